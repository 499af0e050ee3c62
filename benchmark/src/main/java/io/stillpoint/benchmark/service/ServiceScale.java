package io.stillpoint.benchmark.service;

import io.stillpoint.benchmark.ProcessMemory;
import io.stillpoint.hypervisor.VmId;
import io.stillpoint.planning.policy.PolicyText;
import io.stillpoint.platform.ByteSize;
import io.stillpoint.platform.Json;
import io.stillpoint.platform.ProcessResources;
import io.stillpoint.platform.Randomness;
import io.stillpoint.platform.Sha256;
import io.stillpoint.service.base.Tools;
import io.stillpoint.service.config.ConfigFile;
import io.stillpoint.service.config.ServiceConfig;
import io.stillpoint.service.database.Cause;
import io.stillpoint.service.database.Database;
import io.stillpoint.service.database.Job;
import io.stillpoint.service.database.Jobs;
import io.stillpoint.service.database.Machines;
import io.stillpoint.service.database.Points;
import io.stillpoint.service.database.Policies;
import io.stillpoint.service.database.VmKey;
import io.stillpoint.service.fleet.Fleet;
import io.stillpoint.service.fleet.Hosts;
import io.stillpoint.service.fleet.KeptPolicies;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.LongSupplier;

/// The database of a large fleet: journal writes, the settling of policies, the catalogue.
public final class ServiceScale {
    private static final int WRITES = 2000;
    private static final int HOSTS = 100;

    private ServiceScale() {}

    /// @param arguments the configuration, VMs, points
    public static void main(String... arguments) throws IOException {
        ServiceConfig config = ConfigFile.read(Path.of(arguments[0]));
        int vms = Integer.parseInt(arguments[1]);
        int points = Integer.parseInt(arguments[2]);
        Tools tools =
                new Tools(
                        ProcessResources.ofThisProcess(),
                        InstantSource.system(),
                        Randomness.secure(),
                        Map.of(),
                        Optional.empty(),
                        _ -> {},
                        "benchmark");
        try (Database database = Database.open(config.database())) {
            Machines machines = new Machines(database);
            Jobs jobs = new Jobs(database);
            tell("VMs seen for the first time", vms, timed(() -> seen(machines, vms)));
            tell("VMs seen again", vms, timed(() -> seen(machines, vms)));
            KeptPolicies policies = new KeptPolicies(new Policies(database), tools.clock());
            policies.put(
                    PolicyText.read(
                            Json.parse(
                                    "{\"name\":\"all\",\"vault\":\"main\",\"schedule\":{\"zone\":\"UTC\",\"daily\":{\"at\":"
                                            + "\"02:00\"}},\"retention\":{\"daily\":7},\"select\":{\"names\":\"*\"}}"),
                            "the benchmark"));
            Fleet fleet =
                    new Fleet(
                            new Hosts(config, tools),
                            machines,
                            policies,
                            new Points(database),
                            tools);
            tell("VMs given a policy", vms, timed(fleet::settle));
            tell("VMs whose policy stays", vms, timed(fleet::settle));
            add(jobs, "one");
            tell(
                    "journal records, one job after another",
                    WRITES,
                    timed(() -> records(jobs, "one", WRITES)));
            tell("journal records, 16 jobs at once", WRITES, timed(() -> recordsAtOnce(jobs)));
            List<Points.Point> all = points(points);
            Points kept = new Points(database);
            tell(
                    "points put into an empty catalogue",
                    points,
                    timed(() -> kept.replace("main", kept.ids("main"), all)));
            tell(
                    "points of a catalogue that stays",
                    points,
                    timed(() -> kept.replace("main", kept.ids("main"), all)));
            System.out.printf(
                    Locale.ROOT, "memory, the largest: %.0f MiB%n", ProcessMemory.now().peakMib());
        }
    }

    private static long timed(Runnable work) {
        LongSupplier clock = System::nanoTime;
        long begin = clock.getAsLong();
        work.run();
        return clock.getAsLong() - begin;
    }

    private static void tell(String what, int count, long nanos) {
        System.out.printf(
                Locale.ROOT,
                "%-42s %7d in %7.2f s, %8.0f a second%n",
                what,
                count,
                nanos / 1e9,
                count / (nanos / 1e9));
    }

    private static void seen(Machines machines, int vms) {
        for (int host = 0; host < HOSTS; host++) {
            List<Machines.Seen> found = new ArrayList<>();
            for (int i = host; i < vms; i += HOSTS) {
                found.add(new Machines.Seen(new VmId("vm-" + i), "vm" + i, "running"));
            }
            machines.seen("host" + host, found, "gone", InstantSource.system().instant());
        }
    }

    private static void add(Jobs jobs, String id) {
        Instant now = InstantSource.system().instant();
        jobs.add(
                new Job(
                        id,
                        new VmKey("host0", new VmId("vm-0")),
                        "main",
                        Optional.empty(),
                        Cause.DEMAND,
                        now,
                        now.plus(Duration.ofHours(24)),
                        Job.Order.NONE,
                        Job.Course.queued(now)));
    }

    private static void records(Jobs jobs, String id, int count) {
        for (int i = 0; i < count; i++) {
            // A database does not write what is there already.
            String record = "{\"number\":" + i + ",\"filler\":\"" + "x".repeat(4000) + "\"}";
            jobs.record(id, record, Optional.empty());
        }
    }

    private static void recordsAtOnce(Jobs jobs) {
        List<Thread> threads = new ArrayList<>();
        for (int i = 0; i < 16; i++) {
            String id = "job" + i;
            add(jobs, id);
            threads.add(Thread.ofPlatform().start(() -> records(jobs, id, WRITES / 16)));
        }
        for (Thread each : threads) {
            try {
                each.join();
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
        }
    }

    private static List<Points.Point> points(int count) {
        List<Points.Point> points = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            points.add(
                    new Points.Point(
                            "main",
                            Sha256.hex("point " + i, 16),
                            "vm" + i % 10_000,
                            "",
                            i / 10_000,
                            Instant.EPOCH.plusSeconds(i),
                            "file-system",
                            Cause.SCHEDULE,
                            ByteSize.parse("32G"),
                            Optional.empty(),
                            Optional.empty(),
                            Optional.empty()));
        }
        return points;
    }
}
