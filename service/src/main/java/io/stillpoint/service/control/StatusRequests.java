package io.stillpoint.service.control;

import io.stillpoint.platform.Json;
import io.stillpoint.service.database.Cares;
import io.stillpoint.service.database.DatabaseException;
import io.stillpoint.service.database.Job;
import io.stillpoint.service.database.JobState;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/// How the service and all that it works with are.
final class StatusRequests {
    private final Requests.Parts parts;

    StatusRequests(Requests.Parts parts) {
        this.parts = parts;
    }

    /// Each by its word.
    Map<String, Consumer<Ask>> known() {
        return Map.of("status", this::status);
    }

    private void status(Ask ask) {
        for (String host : parts.hosts().names()) {
            ObjectNode line = Json.object().put("host", host);
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
        cares.forEach(each -> {
            ObjectNode care =
                    done.addObject()
                            .put("kind", each.kind())
                            .put("at", each.endedAt().toString())
                            .put("message", each.message());
            each.code().ifPresent(code -> care.put("code", code));
        });
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
        Instant now = parts.tools().clock().instant();
        for (Job each : unfinished) {
            if (each.state() == JobState.RETRYING || now.isAfter(each.deadline())) {
                troubles.add(
                        each.vm()
                                + ": job "
                                + each.id()
                                + ", "
                                + each.state().word()
                                + ": "
                                + each.course().message().orElse(""));
            }
        }
        for (Job each : parts.jobs().lastFailed()) {
            troubles.add(
                    each.vm() + ": the last job failed: " + each.course().message().orElse(""));
        }
    }
}
