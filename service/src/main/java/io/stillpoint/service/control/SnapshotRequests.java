package io.stillpoint.service.control;

import io.stillpoint.engine.BackupJob;
import io.stillpoint.hypervisor.LocalSnapshots.Exported;
import io.stillpoint.hypervisor.SnapshotDescriptor;
import io.stillpoint.hypervisor.SnapshotName;
import io.stillpoint.platform.Json;
import io.stillpoint.service.database.Locals;
import io.stillpoint.service.database.Machine;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/// The snapshots that are in VMs now: local ones, and those of jobs.
final class SnapshotRequests {
    private final Requests.Parts parts;

    SnapshotRequests(Requests.Parts parts) {
        this.parts = parts;
    }

    /// Each by its word.
    Map<String, Consumer<Ask>> known() {
        return Map.of(
                "snapshot list", this::list,
                "snapshot kept", this::kept,
                "snapshot serve", this::serve,
                "snapshot prove", this::prove,
                "snapshot end", this::end);
    }

    private void list(Ask ask) {
        List<Machine> machines =
                ask.optional("vm").isPresent()
                        ? List.of(parts.machine(ask))
                        : parts.machines().all();
        boolean isFull = ask.json().path("ended").asBoolean(false);
        for (Machine machine : machines) {
            parts.local().held(machine.key()).ifPresent(each -> ask.line(held(machine, each)));
            parts.locals().of(machine.key()).forEach(each -> ask.line(local(machine, each)));
            if (isFull) {
                parts.locals()
                        .ended(machine.key())
                        .forEach(each ->
                                ask.line(
                                        local(machine, each.local())
                                                .put("state", "ended")
                                                .put("endedAt", each.at().toString())
                                                .put("why", each.why())));
            }
        }
    }

    /// What no sweep on this machine may take: the snapshots of jobs, and the local ones.
    private void kept(Ask ask) {
        ArrayNode names = Json.array();
        for (String host : parts.hosts().names()) {
            parts.jobs().snapshots(host).forEach(names::add);
            parts.local().names(host).forEach(each -> names.add(each.toString()));
        }
        ObjectNode line = Json.object();
        line.set("names", names);
        ask.line(line);
    }

    private static ObjectNode held(Machine machine, BackupJob.Holding held) {
        ObjectNode line =
                Json.object()
                        .put("snapshot", held.name().toString())
                        .put("host", machine.key().host())
                        .put("vm", machine.shown())
                        .put("state", "job");
        held.snapshot().scratchTaken().ifPresent(bytes -> line.put("scratchTaken", bytes));
        return line;
    }

    private static ObjectNode local(Machine machine, Locals.Local local) {
        return Json.object()
                .put("snapshot", local.name())
                .put("host", machine.key().host())
                .put("vm", machine.shown())
                .put("state", "local")
                .put("vault", local.vault())
                .put("point", local.point())
                .put("takenAt", local.takenAt().toString())
                .put("keepUntil", local.keepUntil().toString());
    }

    /// Who reads a snapshot needs no key of a vault: that is for the owner of the host alone.
    private static void requireOwner(Ask ask) {
        if (!ask.isOwner()) {
            throw ControlException.wrong(
                    "Only root and the user of the service can read the disks of a snapshot.");
        }
    }

    private void serve(Ask ask) {
        requireOwner(ask);
        Machine machine = parts.machine(ask);
        String name = name(machine, ask, true);
        Exported exported = parts.local().serve(machine.key(), name);
        // Who restores asks again for each disk, and after each interruption.
        if (!ask.json().path("again").asBoolean(false)) {
            parts.tools()
                    .log()
                    .accept(
                            "snapshot "
                                    + name
                                    + " of "
                                    + machine.place()
                                    + ": "
                                    + ask.user()
                                    + " reads it");
        }
        ObjectNode line =
                Json.object()
                        .put("snapshot", name)
                        .put("vm", machine.shown())
                        .put("id", machine.key().toString())
                        .put("socket", exported.socket().toString());
        ArrayNode disks = line.putArray("disks");
        for (SnapshotDescriptor.Disk disk : exported.disks()) {
            ObjectNode each =
                    disks.addObject()
                            .put("name", disk.name())
                            .put("size", disk.size())
                            .put("format", disk.format());
            disk.export().ifPresent(export -> each.put("export", export));
        }
        ask.line(line);
    }

    private void prove(Ask ask) {
        requireOwner(ask);
        Machine machine = parts.machine(ask);
        String name = ask.required("snapshot");
        boolean over = ask.json().path("over").asBoolean(false);
        ask.line(
                Json.object()
                        .put("snapshot", name)
                        .put("valid", parts.local().proves(machine.key(), name, over)));
    }

    private void end(Ask ask) {
        Machine machine = parts.machine(ask);
        List<String> names =
                ask.required("snapshot").equals("all")
                        ? parts.locals().of(machine.key()).stream().map(Locals.Local::name).toList()
                        : List.of(name(machine, ask, false));
        parts.local().end(machine.key(), Set.copyOf(names), ask.user());
        names.forEach(
                each -> ask.line(Json.object().put("snapshot", each).put("vm", machine.shown())));
    }

    /// By the beginning of its name or of its point's id; `latest` is the newest.
    private String name(Machine machine, Ask ask, boolean alsoHeld) {
        String wanted = ask.required("snapshot");
        List<String> found = new ArrayList<>();
        Optional<String> held =
                parts.local()
                        .held(machine.key())
                        .map(each -> each.name().toString())
                        .filter(each -> wanted.equals("latest") || isMeant(each, wanted));
        if (alsoHeld) {
            held.ifPresent(found::add);
        }
        for (Locals.Local each : parts.locals().of(machine.key())) {
            boolean isMeant =
                    wanted.equals("latest")
                            ? found.isEmpty()
                            : isMeant(each.name(), wanted) || each.point().startsWith(wanted);
            if (isMeant && !found.contains(each.name())) {
                found.add(each.name());
            }
        }
        if (found.isEmpty() && held.isPresent()) {
            throw ControlException.wrong(
                    "The snapshot "
                            + held.get()
                            + " is held by a job: `stillpoint job cancel` ends it with the job.");
        }
        if (found.size() != 1) {
            throw ControlException.wrong(
                    found.isEmpty()
                            ? machine.shown()
                                    + " has no snapshot \""
                                    + wanted
                                    + "\" now. `stillpoint snapshot list --ended` shows all, and why some have ended."
                            : machine.shown()
                                    + " has several snapshots that \""
                                    + wanted
                                    + "\" could mean: "
                                    + String.join(", ", found));
        }
        return found.getFirst();
    }

    /// By its beginning, or that of the part that differs from those of others.
    private static boolean isMeant(String name, String wanted) {
        return name.startsWith(wanted) || SnapshotName.parse(name).generation().startsWith(wanted);
    }
}
