package io.stillpoint.service.control;

import io.stillpoint.platform.Json;
import io.stillpoint.service.database.Alerts;
import io.stillpoint.service.database.Cares;
import io.stillpoint.service.database.DatabaseException;
import io.stillpoint.service.database.Job;
import io.stillpoint.service.database.JobState;
import io.stillpoint.service.database.Jobs;
import io.stillpoint.service.database.Machine;
import io.stillpoint.service.database.Points;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/// How the service and all that it works with are.
final class StatusRequests {
    private static final Duration DAY = Duration.ofHours(24);

    private final Requests.Parts parts;

    StatusRequests(Requests.Parts parts) {
        this.parts = parts;
    }

    /// Each by its word.
    Map<String, Consumer<Ask>> known() {
        return Map.of("status", this::status, "summary", this::summary);
    }

    private void status(Ask ask) {
        for (String host : parts.hosts().names()) {
            ObjectNode line = Json.object().put("host", host);
            parts.fleet().found(host).ifPresent(count -> line.put("vms", count));
            var silent = line.putArray("silent");
            parts.fleet().silent(host).forEach(silent::add);
            ask.line(line);
        }
        ObjectNode last = Json.object();
        ArrayNode troubles = last.putArray("troubles");
        parts.trouble().get().ifPresent(troubles::add);
        Map<String, List<Cares.Care>> cares = Map.of();
        try {
            cares = parts.cares().all().stream().collect(Collectors.groupingBy(Cares.Care::vault));
            jobs(last.putObject("jobs"), troubles);
        } catch (DatabaseException e) {
            // What it keeps of vaults and jobs is not known now; all else is.
            troubles.add(e.getMessage());
        }
        for (String vault : parts.vaults().names()) {
            ask.line(vault(vault, cares.getOrDefault(vault, List.of())));
        }
        ask.line(last);
    }

    private ObjectNode vault(String name, List<Cares.Care> cares) {
        ObjectNode line = Json.object().put("vault", name);
        parts.vaults().trouble(name).ifPresent(why -> line.put("trouble", why));
        var alarms = line.putArray("alarms");
        parts.vaults().alarms(name).forEach(alarms::add);
        var done = line.putArray("care");
        cares.forEach(each -> done.add(care(each)));
        return line;
    }

    static ObjectNode care(Cares.Care care) {
        ObjectNode line =
                Json.object()
                        .put("kind", care.kind())
                        .put("at", care.endedAt().toString())
                        .put("message", care.message());
        care.code().ifPresent(code -> line.put("code", code));
        return line;
    }

    private void jobs(ObjectNode jobs, ArrayNode troubles) {
        List<Job> unfinished = parts.jobs().unfinished();
        Map<JobState, Long> counts =
                unfinished.stream()
                        .collect(
                                Collectors.groupingBy(
                                        Job::state, TreeMap::new, Collectors.counting()));
        counts.forEach((state, count) -> jobs.put(state.word(), count));
        for (Job each : unfinished) {
            if (each.state() == JobState.RETRYING) {
                troubles.add(
                        parts.machines()
                                        .find(each.vm())
                                        .map(Machine::place)
                                        .orElse(each.vm().toString())
                                + ": job "
                                + each.id()
                                + ", "
                                + each.state().word()
                                + ": "
                                + each.course().message().orElse(""));
            }
        }
        parts.watch().now().stream()
                .filter(each -> !parts.vaults().names().contains(each.subject()))
                .forEach(each -> troubles.add(each.subject() + ": " + each.message()));
    }

    /// What came of a time: for a person each morning, and for scripts.
    private void summary(Ask ask) {
        Instant to = parts.tools().clock().instant();
        Instant from = to.minus(ask.duration("last").orElse(DAY));
        Jobs.Sum sum = parts.jobs().ended(from, to);
        ObjectNode jobs =
                Json.object()
                        .put("from", from.toString())
                        .put("to", to.toString())
                        .put("made", sum.counts().getOrDefault(JobState.MADE, 0L))
                        .put("failed", sum.counts().getOrDefault(JobState.FAILED, 0L))
                        .put("cancelled", sum.counts().getOrDefault(JobState.CANCELLED, 0L))
                        .put("late", sum.late())
                        .put("unfinished", parts.jobs().unfinished().size())
                        .put("read", sum.read().bytes())
                        .put("stored", sum.stored().bytes());
        List<Machine> known = parts.machines().all();
        List<Machine> protectedOnes =
                known.stream().filter(each -> each.protection().policy().isPresent()).toList();
        jobs.put("vms", known.size()).put("protected", protectedOnes.size());
        var without = jobs.putArray("without");
        Map<Points.Line, Points.Point> newest = parts.points().newest();
        for (Machine each : protectedOnes) {
            if (each.protection()
                    .line()
                    .flatMap(line -> Optional.ofNullable(newest.get(line)))
                    .filter(point -> !point.snapshotAt().isBefore(from))
                    .isEmpty()) {
                without.add(each.place());
            }
        }
        ask.line(jobs);
        for (Alerts.Kept each : parts.alerts().since(from)) {
            ObjectNode line =
                    Json.object()
                            .put("alert", each.alert().code())
                            .put("subject", each.alert().subject())
                            .put("openedAt", each.openedAt().toString())
                            .put("message", each.alert().message());
            each.closedAt().ifPresent(at -> line.put("closedAt", at.toString()));
            ask.line(line);
        }
    }
}
