package io.stillpoint.demo;

import io.stillpoint.demo.DemoException.Kind;
import io.stillpoint.platform.Cancellation;
import io.stillpoint.platform.Json;
import io.stillpoint.platform.disk.Reason;
import io.stillpoint.platform.text.Text;
import io.stillpoint.service.Service;
import io.stillpoint.service.base.Tools;
import io.stillpoint.service.config.ConfigFile;
import io.stillpoint.service.config.ServiceConfig;
import io.stillpoint.service.control.ControlClient;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.LocalTime;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Supplier;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/// A service of the tour's own, for its one VM, asked as the commands ask one.
final class TourService implements AutoCloseable {
    private static final Duration WAIT_MAX = Duration.ofMinutes(2);
    private static final long LOOK_NANOS = 200_000_000;

    private final Service service;
    private final ControlClient client;
    private final Tour.View view;
    private final Set<String> seen = new HashSet<>();

    private TourService(Service service, ControlClient client, Tour.View view) {
        this.service = service;
        this.client = client;
        this.view = view;
    }

    /// @param work where its vault, its key and all else of it lie
    static TourService start(Path work, QemuProcess vm, Tour.View view, Tools tools) {
        Path socket = work.resolve("control.sock");
        ObjectNode json = Json.object().put("name", "demo").put("state", text(work, "state"));
        json.putObject("control").put("socket", socket.toString());
        json.putObject("vaults")
                .putObject("demo")
                .put("location", text(work, "vault"))
                .put("key-file", text(work, "key"));
        ObjectNode host = json.putObject("hosts").putObject("here");
        host.put("scratch", text(work, "scratch")).put("scratch-limit", "1G");
        ObjectNode qemu = host.putObject("qemu");
        qemu.putArray("monitors").add(vm.qmpSocket().toString());
        qemu.put("agent", "{folder}/" + vm.agentSocket().getFileName());
        ServiceConfig config = ConfigFile.read(written(work.resolve("stillpoint.yaml"), json));
        return new TourService(Service.start(config, tools), new ControlClient(socket), view);
    }

    private static Path written(Path file, ObjectNode json) {
        try {
            return Files.writeString(file, json.toString());
        } catch (IOException e) {
            throw new DemoException(Kind.REQUEST, "tour.work-folder", e, Reason.of(e));
        }
    }

    private static String text(Path work, String name) {
        return work.resolve(name).toString();
    }

    private static ObjectNode request(String what) {
        return Json.object().put("do", what);
    }

    /// Waits until the service has found the VM. Returns what it calls it.
    String awaitVm(Cancellation cancellation) {
        return await(
                cancellation,
                () ->
                        client.ask(request("vm list")).stream()
                                .findFirst()
                                .map(each -> each.path("vm").asString("")));
    }

    /// Gives the VM a policy with a slot at this time (UTC) of each day, and waits for that slot's job. Returns its point.
    String backUpAt(LocalTime slot, Cancellation cancellation) {
        ObjectNode apply = request("policy apply");
        ObjectNode policy = apply.putArray("policies").addObject();
        policy.put("name", "demo").put("vault", "demo");
        ObjectNode schedule = policy.putObject("schedule").put("zone", "UTC");
        schedule.putObject("daily").put("at", slot.toString());
        policy.putObject("retention").put("daily", 7);
        policy.putObject("select").put("names", "*");
        policy.putObject("quality").put("consistency-at-least", "file-system");
        List<JsonNode> _ = client.ask(apply);
        String job = await(cancellation, this::newJob);
        seen.add(job);
        return ended(job);
    }

    private Optional<String> newJob() {
        return client.ask(request("job list")).stream()
                .map(each -> each.path("job").asString(""))
                .filter(each -> !seen.contains(each))
                .findFirst();
    }

    private String ended(String job) {
        ObjectNode last = Json.object();
        client.ask(
                request("job watch").put("job", job),
                line -> {
                    if (line.has("event")) {
                        view.finding(Text.verbatim(line.path("message").asString("")));
                    } else if (line instanceof ObjectNode state) {
                        last.setAll(state);
                    }
                });
        if (!last.path("state").asString("").equals("made")) {
            throw new DemoException(
                    Kind.CLAIM, "tour.no-point", null, last.path("message").asString(""));
        }
        return last.path("point").asString("");
    }

    private static <T> T await(Cancellation cancellation, Supplier<Optional<T>> look) {
        long end = System.nanoTime() + WAIT_MAX.toNanos();
        while (true) {
            cancellation.check();
            Optional<T> found = look.get();
            if (found.isPresent()) {
                return found.get();
            }
            if (System.nanoTime() > end) {
                throw new DemoException(Kind.CLAIM, "tour.nothing-happens", null, WAIT_MAX);
            }
            LockSupport.parkNanos(LOOK_NANOS);
        }
    }

    @Override
    public void close() {
        service.close();
    }
}
