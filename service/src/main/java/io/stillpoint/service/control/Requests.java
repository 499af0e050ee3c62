package io.stillpoint.service.control;

import io.stillpoint.planning.policy.Policy;
import io.stillpoint.planning.policy.PolicyText;
import io.stillpoint.planning.queue.Forecast;
import io.stillpoint.planning.retention.RetentionPreview;
import io.stillpoint.planning.retention.RetentionPreview.Effect;
import io.stillpoint.platform.Json;
import io.stillpoint.platform.setting.SettingTree;
import io.stillpoint.platform.setting.Written;
import io.stillpoint.service.base.Tools;
import io.stillpoint.service.care.VaultCare;
import io.stillpoint.service.database.Cares;
import io.stillpoint.service.database.Job;
import io.stillpoint.service.database.JobState;
import io.stillpoint.service.database.Jobs;
import io.stillpoint.service.database.Machine;
import io.stillpoint.service.database.Machines;
import io.stillpoint.service.database.Points;
import io.stillpoint.service.database.VmKey;
import io.stillpoint.service.fleet.Fleet;
import io.stillpoint.service.fleet.FleetException;
import io.stillpoint.service.fleet.Hosts;
import io.stillpoint.service.fleet.KeptPolicies;
import io.stillpoint.service.job.JobRunner;
import io.stillpoint.service.job.Teller;
import io.stillpoint.service.vaults.Vaults;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/// What commands may ask of the service, each a word under `do`.
public final class Requests implements ControlServer.Handler {
    private static final List<String> KNOWN =
            List.of(
                    "status",
                    "vm list",
                    "vm protect",
                    "vm unprotect",
                    "vm release",
                    "vm tag",
                    "policy list",
                    "policy apply",
                    "policy preview",
                    "policy remove",
                    "job list",
                    "job show",
                    "job watch",
                    "job cancel",
                    "backup",
                    "point list",
                    "point pin",
                    "point keep",
                    "care run",
                    "catalog rebuild");

    private static final int JOBS_SHOWN = 50;
    private static final Duration LOOK = Duration.ofMillis(300);

    private final Parts parts;
    private final Tools tools;

    /// The parts of the service that answer.
    ///
    /// @param due is told of each VM for which something may be due at once
    /// @param trouble what keeps the service from its work now
    public record Parts(
            Hosts hosts,
            Vaults vaults,
            Fleet fleet,
            KeptPolicies policies,
            Machines machines,
            Jobs jobs,
            Points points,
            Cares cares,
            JobRunner runner,
            VaultCare care,
            Consumer<VmKey> due,
            Supplier<Optional<String>> trouble) {}

    public Requests(Parts parts, Tools tools) {
        this.parts = parts;
        this.tools = tools;
    }

    @Override
    public void answer(JsonNode request, String user, ControlServer.Reply reply) {
        String what = request.path("do").asString("");
        switch (what) {
            case "status" -> status(reply);
            case "vm list" -> vms(reply);
            case "vm protect" -> protect(request, reply, Optional.of(required(request, "policy")));
            case "vm unprotect" -> unprotect(request, user, reply);
            case "vm release" -> {
                parts.fleet().release(machine(request));
                reply.line(vm(machine(request)));
            }
            case "vm tag" -> tag(request, reply);
            case "policy list" ->
                    parts.policies()
                            .all()
                            .values()
                            .forEach(each -> reply.line(PolicyText.written(each)));
            case "policy apply" -> apply(policies(request), user, reply);
            case "policy preview" -> policies(request).forEach(each -> preview(each, reply));
            case "policy remove" -> removePolicy(required(request, "policy"));
            case "job list" -> jobs(request, reply);
            case "job show" -> {
                Job job = job(request);
                reply.line(shown(job));
                parts.jobs().events(job.id(), 0).forEach(each -> reply.line(event(each)));
            }
            case "job watch" -> watch(job(request), reply);
            case "job cancel" -> cancel(request, user, reply);
            case "backup" -> backup(request, user, reply);
            case "point list" -> points(request, reply);
            case "point pin" -> pin(request, reply);
            case "point keep" -> keep(request, reply);
            case "care run" -> {
                String vault = parts.vaults().open(required(request, "vault")).name();
                parts.care().run(vault);
            }
            case "catalog rebuild" -> rebuild(reply);
            default ->
                    throw ControlException.request(
                            "\"" + what + "\"; possible: " + String.join(", ", KNOWN));
        }
    }

    private static String required(JsonNode request, String key) {
        String value = request.path(key).asString("");
        if (value.isEmpty()) {
            throw ControlException.request(key + " is missing");
        }
        return value;
    }

    private Machine machine(JsonNode request) {
        return parts.fleet().named(required(request, "vm"));
    }

    private void status(ControlServer.Reply reply) {
        for (String host : parts.hosts().names()) {
            ObjectNode line = Json.object().put("host", host);
            var silent = line.putArray("silent");
            parts.fleet().silent(host).forEach(silent::add);
            reply.line(line);
        }
        Map<String, List<Cares.Care>> cares =
                parts.cares().all().stream().collect(Collectors.groupingBy(Cares.Care::vault));
        for (String vault : parts.vaults().names()) {
            ObjectNode line = Json.object().put("vault", vault);
            parts.vaults().trouble(vault).ifPresent(why -> line.put("trouble", why));
            var alarms = line.putArray("alarms");
            parts.vaults().alarms(vault).forEach(alarms::add);
            var done = line.putArray("care");
            cares.getOrDefault(vault, List.of())
                    .forEach(each -> {
                        ObjectNode care =
                                done.addObject()
                                        .put("kind", each.kind())
                                        .put("at", each.endedAt().toString())
                                        .put("message", each.message());
                        each.code().ifPresent(code -> care.put("code", code));
                    });
            reply.line(line);
        }
        Map<JobState, Long> counts =
                parts.jobs().unfinished().stream()
                        .collect(Collectors.groupingBy(Job::state, Collectors.counting()));
        ObjectNode line = Json.object();
        ObjectNode jobs = line.putObject("jobs");
        new TreeMap<>(counts).forEach((state, count) -> jobs.put(state.word(), count));
        var troubles = line.putArray("troubles");
        parts.trouble().get().ifPresent(troubles::add);
        for (Job each : parts.jobs().unfinished()) {
            boolean isLate = tools.clock().instant().isAfter(each.deadline());
            if (each.state() == JobState.RETRYING || isLate) {
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
        for (Machine each : parts.machines().all()) {
            parts.jobs().newest(Optional.of(each.key()), 1).stream()
                    .filter(job -> job.state() == JobState.FAILED)
                    .forEach(job ->
                            troubles.add(
                                    each.key()
                                            + ": the last job failed: "
                                            + job.course().message().orElse("")));
        }
        reply.line(line);
    }

    private void vms(ControlServer.Reply reply) {
        parts.machines().all().forEach(each -> reply.line(vm(each)));
    }

    private ObjectNode vm(Machine machine) {
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
        List<String> selecting = Fleet.selecting(machine, parts.policies().all());
        if (!selecting.isEmpty()) {
            var also = line.putArray("selectedBy");
            selecting.forEach(also::add);
        }
        protection
                .vault()
                .ifPresent(vault -> {
                    line.put("vault", vault);
                    parts.points()
                            .newest(vault, machine.shown())
                            .ifPresent(point ->
                                    line.put("lastPoint", point.snapshotAt().toString())
                                            .put("consistency", point.consistency()));
                });
        if (protection.policy().isPresent()) {
            parts.runner().next(machine.key()).ifPresent(next -> line.put("next", next.toString()));
        }
        return line;
    }

    private void protect(JsonNode request, ControlServer.Reply reply, Optional<String> policy) {
        Machine machine = machine(request);
        parts.fleet().choose(machine, policy);
        parts.due().accept(machine.key());
        reply.line(vm(parts.machines().find(machine.key()).orElse(machine)));
    }

    private void unprotect(JsonNode request, String user, ControlServer.Reply reply) {
        Machine machine = machine(request);
        protect(request, reply, Optional.empty());
        if (request.path("deletePoints").asBoolean(false)) {
            tools.log().accept(machine.shown() + ": " + user + " has all points forgotten");
            reply.line(Json.object().put("forgotten", parts.care().forgetAll(machine)));
        }
    }

    private void tag(JsonNode request, ControlServer.Reply reply) {
        Machine machine = machine(request);
        Map<String, String> tags = new TreeMap<>(machine.tags());
        for (Map.Entry<String, JsonNode> each : request.path("tags").properties()) {
            if (each.getValue().asString("").isEmpty()) {
                tags.remove(each.getKey());
            } else {
                tags.put(each.getKey(), each.getValue().asString());
            }
        }
        parts.machines().tag(machine.key(), tags);
        parts.fleet().settle();
        parts.due().accept(machine.key());
        reply.line(vm(parts.machines().find(machine.key()).orElse(machine)));
    }

    private List<Policy> policies(JsonNode request) {
        List<Policy> policies =
                request.path("policies").values().stream()
                        .map(each -> PolicyText.read(each, each.path("name").asString("policy")))
                        .toList();
        for (Policy each : policies) {
            if (!parts.vaults().names().contains(each.vault())) {
                throw ControlException.request(
                        "policy "
                                + each.name()
                                + ": there is no vault \""
                                + each.vault()
                                + "\""
                                + SettingTree.nearest(each.vault(), parts.vaults().names())
                                        .map(near -> ". Did you mean " + near + "?")
                                        .orElse(""));
            }
        }
        if (policies.isEmpty()) {
            throw ControlException.request("policies are missing");
        }
        return policies;
    }

    private void apply(List<Policy> policies, String user, ControlServer.Reply reply) {
        for (Policy each : policies) {
            preview(each, reply);
        }
        for (Policy each : policies) {
            parts.policies().put(each);
            tools.log().accept("policy " + each.name() + " was applied by " + user);
        }
        parts.fleet().settle();
        parts.machines().all().forEach(each -> parts.due().accept(each.key()));
    }

    /// What applying a policy would change.
    private void preview(Policy policy, ControlServer.Reply reply) {
        Optional<Policy> before = parts.policies().find(policy.name());
        ObjectNode line =
                Json.object()
                        .put("policy", policy.name())
                        .put(
                                "change",
                                before.isEmpty()
                                        ? "new"
                                        : before.get().equals(policy) ? "none" : "changed");
        var gets = line.putArray("selects");
        for (Machine each : parts.machines().all()) {
            String name = each.name().isEmpty() ? each.key().id().text() : each.name();
            if (policy.selection().selects(name, each.tags())) {
                gets.add(each.key().host() + "/" + each.shown());
            }
        }
        reply.line(line);
        before.ifPresent(old ->
                parts.machines().all().stream()
                        .filter(each ->
                                each.protection()
                                        .policy()
                                        .filter(policy.name()::equals)
                                        .isPresent())
                        .forEach(each -> preview(each, old, policy, reply)));
    }

    private void preview(Machine machine, Policy before, Policy after, ControlServer.Reply reply) {
        RetentionPreview preview =
                RetentionPreview.of(
                        parts.care().candidates(after.vault(), machine.shown()),
                        before.retention(),
                        after.retention(),
                        tools.clock().instant());
        for (RetentionPreview.Change change : preview.changes()) {
            if (change.effect() == Effect.DELETED || change.effect() == Effect.SAVED) {
                reply.line(
                        Json.object()
                                .put("vm", machine.shown())
                                .put("point", change.point().id())
                                .put("snapshotAt", change.point().at().toString())
                                .put("effect", change.effect().name().toLowerCase(Locale.ROOT)));
            }
        }
    }

    private void removePolicy(String name) {
        if (!parts.policies().remove(name)) {
            throw FleetException.noPolicy(name, parts.policies().all().keySet());
        }
        parts.machines().all().stream()
                .filter(each -> each.protection().policy().filter(name::equals).isPresent())
                .forEach(each -> parts.fleet().release(each));
        parts.fleet().settle();
    }

    private Job job(JsonNode request) {
        String prefix = required(request, "job");
        List<Job> found =
                parts.jobs()
                        .find(prefix)
                        .map(List::of)
                        .orElseGet(() ->
                                parts.jobs().newest(Optional.empty(), 10_000).stream()
                                        .filter(each -> each.id().startsWith(prefix))
                                        .toList());
        if (found.size() != 1) {
            throw ControlException.request(
                    (found.isEmpty() ? "there is no job " : "more than one job begins with ")
                            + prefix);
        }
        return found.getFirst();
    }

    private void jobs(JsonNode request, ControlServer.Reply reply) {
        Optional<VmKey> vm =
                request.has("vm") ? Optional.of(machine(request).key()) : Optional.empty();
        int count = Math.clamp(request.path("count").asInt(JOBS_SHOWN), 1, 10_000);
        parts.jobs().newest(vm, count).forEach(each -> reply.line(shown(each)));
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
            Instant now = tools.clock().instant();
            Optional<Forecast> forecast = parts.runner().turns().forecast(job.id());
            forecast.filter(each -> !each.end().equals(Instant.MAX))
                    .ifPresent(each -> line.put("forecastEnd", each.end().toString()));
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
    private void watch(Job job, ControlServer.Reply reply) {
        int told = 0;
        ObjectNode before = Json.object();
        while (true) {
            Job now = parts.jobs().find(job.id()).orElse(job);
            for (Jobs.Event each : parts.jobs().events(job.id(), told)) {
                told = each.number();
                reply.line(event(each));
            }
            ObjectNode line = shown(now);
            if (!line.equals(before)) {
                before = line;
                reply.line(line);
            }
            if (now.state().isFinal()) {
                parts.jobs().events(job.id(), told).forEach(each -> reply.line(event(each)));
                return;
            }
            LockSupport.parkNanos(LOOK.toNanos());
        }
    }

    private void cancel(JsonNode request, String user, ControlServer.Reply reply) {
        Job job = job(request);
        tools.log().accept("job " + job.id() + ": " + user + " asks for its end");
        boolean isAsked = parts.runner().cancel(job.id());
        parts.due().accept(job.vm());
        reply.line(shown(parts.jobs().find(job.id()).orElse(job)).put("asked", isAsked));
    }

    private void backup(JsonNode request, String user, ControlServer.Reply reply) {
        Machine machine = machine(request);
        String vault =
                machine.protection()
                        .vault()
                        .orElseThrow(() -> FleetException.unprotected(machine.shown()));
        Optional<Instant> keepUntil =
                request.has("keep")
                        ? Optional.of(
                                tools.clock()
                                        .instant()
                                        .plus(Written.duration(required(request, "keep"))))
                        : Optional.empty();
        Job job =
                parts.runner()
                        .order(
                                machine,
                                vault,
                                new Job.Order(keepUntil, request.path("reason").asString("")));
        tools.log().accept(machine.shown() + ": " + user + " asks for a backup, job " + job.id());
        parts.due().accept(machine.key());
        reply.line(shown(job));
    }

    private void points(JsonNode request, ControlServer.Reply reply) {
        Machine machine = machine(request);
        String vault = machine.protection().vault().orElse("");
        parts.points().of(vault, machine.shown()).forEach(each -> reply.line(point(each)));
    }

    private static ObjectNode point(Points.Point point) {
        ObjectNode line =
                Json.object()
                        .put("point", point.id())
                        .put("vault", point.vault())
                        .put("vm", point.vm())
                        .put("snapshotAt", point.snapshotAt().toString())
                        .put("consistency", point.consistency())
                        .put("cause", point.cause().word());
        point.keepUntil().ifPresent(until -> line.put("keepUntil", until.toString()));
        point.pin().ifPresent(why -> line.put("pin", why));
        point.lockedUntil().ifPresent(until -> line.put("lockedUntil", until.toString()));
        return line;
    }

    private Points.Point pointOf(JsonNode request) {
        Machine machine = machine(request);
        String prefix = required(request, "point");
        List<Points.Point> found =
                parts.points().of(machine.protection().vault().orElse(""), machine.shown()).stream()
                        .filter(each -> each.id().startsWith(prefix))
                        .toList();
        if (found.size() != 1) {
            throw ControlException.request(
                    (found.isEmpty() ? "there is no point " : "more than one point begins with ")
                            + prefix);
        }
        return found.getFirst();
    }

    private void pin(JsonNode request, ControlServer.Reply reply) {
        Points.Point point = pointOf(request);
        Optional<String> reason =
                Optional.of(request.path("reason").asString("")).filter(each -> !each.isEmpty());
        parts.points().pin(point.vault(), point.id(), reason);
        reply.line(point(pointOf(request)));
    }

    private void keep(JsonNode request, ControlServer.Reply reply) {
        Points.Point point = pointOf(request);
        String keep = request.path("keep").asString("");
        parts.points()
                .keep(
                        point.vault(),
                        point.id(),
                        keep.isEmpty()
                                ? Optional.empty()
                                : Optional.of(
                                        tools.clock().instant().plus(Written.duration(keep))));
        reply.line(point(pointOf(request)));
    }

    private void rebuild(ControlServer.Reply reply) {
        for (String vault : parts.vaults().names()) {
            int points = parts.care().catalogue(parts.vaults().open(vault));
            reply.line(Json.object().put("vault", vault).put("points", points));
        }
    }
}
