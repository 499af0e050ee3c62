package io.stillpoint.service.control;

import io.stillpoint.planning.policy.Policy;
import io.stillpoint.platform.Json;
import io.stillpoint.service.database.Machine;
import io.stillpoint.service.database.Points;
import io.stillpoint.service.fleet.Fleet;
import io.stillpoint.service.fleet.FleetException;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.function.Function;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/// The VMs, and how they are protected.
final class VmRequests {
    private static final int TAG_MAX = 128;
    private static final int TAGS_MAX = 64;

    private final Requests.Parts parts;

    VmRequests(Requests.Parts parts) {
        this.parts = parts;
    }

    /// Each by its word.
    Map<String, Consumer<Ask>> known() {
        return Map.of(
                "vm list", this::list,
                "vm protect", ask -> protect(ask, Optional.of(ask.required("policy"))),
                "vm unprotect", this::unprotect,
                "vm release", this::release,
                "vm tag", this::tag);
    }

    private void protect(Ask ask, Optional<String> policy) {
        Machine machine = parts.machine(ask);
        parts.fleet().choose(machine, policy);
        log(machine, ask.user() + " chose " + policy.orElse("no policy") + " by hand");
        changed(ask, machine);
    }

    /// Something may be due for it now, or nothing any more.
    private void changed(Ask ask, Machine machine) {
        parts.due().accept(machine.key());
        Machine now = parts.machines().find(machine.key()).orElse(machine);
        ask.line(
                vm(
                        now,
                        parts.policies().all(),
                        line -> parts.points().newest(line.vault(), line.vm())));
    }

    private void unprotect(Ask ask) {
        Machine machine = parts.machine(ask);
        boolean withPoints = ask.json().path("deletePoints").asBoolean(false);
        if (withPoints && !ask.isConfirmed()) {
            throw FleetException.wouldForget(
                    machine.place(), parts.care().forgettable(machine).size());
        }
        protect(ask, Optional.empty());
        if (withPoints) {
            log(machine, "all its points are forgotten, by " + ask.user());
            ask.line(Json.object().put("forgotten", parts.care().forgetAll(machine)));
        }
    }

    private void log(Machine machine, String what) {
        parts.tools().log().accept(machine.place() + ": " + what);
    }

    private void release(Ask ask) {
        Machine machine = parts.machine(ask);
        parts.fleet().release(List.of(machine));
        changed(ask, machine);
    }

    private void tag(Ask ask) {
        Machine machine = parts.machine(ask);
        Map<String, String> tags = new TreeMap<>(machine.tags());
        for (Map.Entry<String, JsonNode> each : ask.json().path("tags").properties()) {
            if (Math.max(each.getKey().length(), each.getValue().asString("").length()) > TAG_MAX) {
                throw ControlException.wrong(
                        "A tag and its value have at most " + TAG_MAX + " characters each.");
            }
            if (each.getValue().asString("").isEmpty()) {
                tags.remove(each.getKey());
            } else {
                tags.put(each.getKey(), each.getValue().asString());
            }
        }
        if (tags.size() > TAGS_MAX) {
            throw ControlException.wrong("A VM has at most " + TAGS_MAX + " tags.");
        }
        parts.machines().tag(machine.key(), tags);
        log(machine, ask.user() + " changed its tags to " + tags);
        parts.fleet().settle();
        changed(ask, machine);
    }

    private void list(Ask ask) {
        Map<String, Policy> policies = parts.policies().all();
        Map<Points.Line, Points.Point> newest = parts.points().newest();
        parts.machines()
                .all()
                .forEach(each ->
                        ask.line(
                                vm(each, policies, line -> Optional.ofNullable(newest.get(line)))));
    }

    private ObjectNode vm(
            Machine machine,
            Map<String, Policy> policies,
            Function<Points.Line, Optional<Points.Point>> newest) {
        ObjectNode line =
                Json.object()
                        .put("host", machine.key().host())
                        .put("id", machine.key().id().text())
                        .put("vm", machine.shown())
                        .put("name", machine.name())
                        .put("state", machine.power());
        machine.trouble().ifPresent(why -> line.put("trouble", why));
        ObjectNode tags = line.putObject("tags");
        machine.tags().forEach(tags::put);
        Machine.Protection protection = machine.protection();
        protection.policy().ifPresent(policy -> line.put("policy", policy));
        line.put("byHand", protection.byHand());
        List<String> selecting = Fleet.selecting(machine, policies);
        if (!selecting.isEmpty()) {
            var also = line.putArray("selectedBy");
            selecting.forEach(also::add);
        }
        protection.vault().ifPresent(vault -> line.put("vault", vault));
        protection
                .line()
                .flatMap(newest)
                .ifPresent(point ->
                        line.put("lastPoint", point.snapshotAt().toString())
                                .put("consistency", point.consistency())
                                .put("size", point.size().bytes()));
        if (protection.policy().isPresent()) {
            parts.runner().next(machine.key()).ifPresent(next -> line.put("next", next.toString()));
        }
        return line;
    }
}
