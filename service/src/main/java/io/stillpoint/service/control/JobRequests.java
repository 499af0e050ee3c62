package io.stillpoint.service.control;

import io.stillpoint.planning.queue.Forecast;
import io.stillpoint.platform.Json;
import io.stillpoint.service.database.Job;
import io.stillpoint.service.database.Jobs;
import io.stillpoint.service.database.Machine;
import io.stillpoint.service.database.VmKey;
import io.stillpoint.service.fleet.Fleet;
import io.stillpoint.service.fleet.FleetException;
import io.stillpoint.service.job.Teller;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;
import tools.jackson.databind.node.ObjectNode;

/// The jobs.
final class JobRequests {
    private static final int SHOWN = 50;
    private static final int SHOWN_MAX = 10_000;
    private static final Duration LOOK = Duration.ofMillis(300);

    private final Requests.Parts parts;

    JobRequests(Requests.Parts parts) {
        this.parts = parts;
    }

    /// Each by its word.
    Map<String, Consumer<Ask>> known() {
        return Map.of(
                "job list", this::list,
                "job show", this::show,
                "job watch", this::watch,
                "job cancel", this::cancel,
                "job retry", this::retry,
                "backup", this::backup);
    }

    private void show(Ask ask) {
        Job job = job(ask);
        ObjectNode line = shown(job);
        parts.runner()
                .turns()
                .scratch(job.id())
                .ifPresent(bytes -> line.put("scratchTaken", bytes));
        ask.line(line);
        parts.jobs().events(job.id(), 0).forEach(each -> ask.line(event(each)));
    }

    private Job job(Ask ask) {
        String prefix = ask.required("job");
        List<Job> found = parts.jobs().beginningWith(prefix, 2);
        if (found.size() != 1) {
            throw ControlException.wrong(
                    (found.isEmpty() ? "There is no job " : "More than one job begins with ")
                            + prefix
                            + ". `stillpoint job list` shows all.");
        }
        return found.getFirst();
    }

    private void list(Ask ask) {
        Optional<VmKey> vm =
                ask.optional("vm").map(name -> parts.fleet().named(name)).map(Machine::key);
        int count = Math.clamp(ask.json().path("count").asInt(SHOWN), 1, SHOWN_MAX);
        parts.jobs().newest(vm, count).forEach(each -> ask.line(shown(each)));
    }

    private ObjectNode shown(Job job) {
        Job.Course course = job.course();
        ObjectNode line =
                Json.object()
                        .put("job", job.id())
                        .put("host", job.vm().host())
                        .put(
                                "vm",
                                parts.machines()
                                        .find(job.vm())
                                        .map(Machine::shown)
                                        .orElse(job.vm().id().text()))
                        .put("vault", job.vault())
                        .put("cause", job.cause().word())
                        .put("state", course.state().word())
                        .put("due", job.due().toString())
                        .put("deadline", job.deadline().toString())
                        .put("attempts", course.attempts());
        job.policy().ifPresent(policy -> line.put("policy", policy));
        if (!job.order().reason().isEmpty()) {
            line.put("reason", job.order().reason());
        }
        job.order().keepUntil().ifPresent(until -> line.put("keepUntil", until.toString()));
        course.startedAt().ifPresent(at -> line.put("startedAt", at.toString()));
        course.endedAt().ifPresent(at -> line.put("endedAt", at.toString()));
        course.retryAt().ifPresent(at -> line.put("retryAt", at.toString()));
        course.point().ifPresent(point -> line.put("point", point));
        course.code().ifPresent(code -> line.put("code", code));
        course.message().ifPresent(message -> line.put("message", message));
        if (!course.state().isFinal()) {
            Teller.Progress progress = parts.runner().progress().progress(job.id());
            if (progress.total() > 0) {
                line.put("done", progress.done())
                        .put("total", progress.total())
                        .put("read", progress.read());
            }
            Instant now = parts.tools().clock().instant();
            Optional<Forecast> forecast = parts.runner().turns().forecast(job.id());
            forecast.filter(each -> !each.end().equals(Instant.MAX))
                    .ifPresent(each -> line.put("forecastEnd", each.end().toString()));
            forecast.map(each -> each.waitsFor().toString())
                    .filter(each -> !each.isEmpty())
                    .ifPresent(each -> line.put("waitsFor", each));
            line.put(
                    "late",
                    now.isAfter(job.deadline()) || forecast.map(Forecast::misses).orElse(false));
        }
        return line;
    }

    private static ObjectNode event(Jobs.Event event) {
        return Json.object()
                .put("event", event.number())
                .put("at", event.at().toString())
                .put("kind", event.kind())
                .put("code", event.code())
                .put("message", event.message());
    }

    /// Until the job has ended.
    private void watch(Ask ask) {
        Job job = job(ask);
        int told = 0;
        ObjectNode before = Json.object();
        while (true) {
            Job now = parts.jobs().find(job.id()).orElse(job);
            for (Jobs.Event each : parts.jobs().events(job.id(), told)) {
                told = each.number();
                ask.line(event(each));
            }
            ObjectNode line = shown(now);
            if (!line.equals(before)) {
                before = line;
                ask.line(line);
            }
            if (now.state().isFinal()) {
                parts.jobs().events(job.id(), told).forEach(each -> ask.line(event(each)));
                return;
            }
            LockSupport.parkNanos(LOOK.toNanos());
        }
    }

    private void cancel(Ask ask) {
        Job job = job(ask);
        boolean isAsked = parts.runner().cancel(job.id());
        if (isAsked) {
            parts.tools().log().accept("job " + job.id() + ": " + ask.user() + " asks for its end");
        }
        parts.due().accept(job.vm());
        ask.line(shown(parts.jobs().find(job.id()).orElse(job)).put("asked", isAsked));
    }

    private void retry(Ask ask) {
        Job job = job(ask);
        boolean isAsked = parts.jobs().retryNow(job.id());
        if (isAsked) {
            parts.tools()
                    .log()
                    .accept("job " + job.id() + ": " + ask.user() + " has it tried again now");
            parts.due().accept(job.vm());
        }
        ask.line(shown(parts.jobs().find(job.id()).orElse(job)).put("asked", isAsked));
    }

    private void backup(Ask ask) {
        Machine machine = parts.machine(ask);
        String vault =
                machine.protection()
                        .vault()
                        .orElseThrow(() -> FleetException.unprotected(machine.shown()));
        Optional<Instant> keepUntil =
                ask.duration("keep").map(parts.tools().clock().instant()::plus);
        Job job =
                parts.runner()
                        .order(
                                machine,
                                vault,
                                new Job.Order(keepUntil, ask.optional("reason").orElse("")));
        parts.tools()
                .log()
                .accept(
                        machine.shown()
                                + ": "
                                + ask.user()
                                + " asks for a backup, job "
                                + job.id());
        parts.due().accept(machine.key());
        ObjectNode line = shown(job);
        // While a job has a VM, nobody else can tell.
        if (!Fleet.isThere(machine) && !machine.power().equals("unknown")) {
            line.put("vmState", machine.power());
        }
        ask.line(line);
    }
}
