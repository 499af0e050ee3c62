package io.stillpoint.benchmark.many;

import com.sun.management.OperatingSystemMXBean;
import io.stillpoint.benchmark.ProcessMemory;
import io.stillpoint.platform.ProcessResources;
import io.stillpoint.platform.Randomness;
import io.stillpoint.vault.Vault;
import io.stillpoint.vault.crypto.KeyFile;
import io.stillpoint.vault.point.RecoveryPoint;
import io.stillpoint.vault.store.LocalStore;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.Predicate;
import java.util.stream.Stream;

/// The process of `benchmark/many`: `VAULT KEY SUBJECTS SCRATCH AT-ONCE`. For each line of its input, a round's name, it backs up all subjects,
/// so many at once, through one open vault, and prints a row of a table.
public final class Many {
    private static final PrintStream OUT =
            new PrintStream(System.out, true, StandardCharsets.UTF_8);

    private final Vault vault;
    private final List<Subject> subjects;
    private final Path scratch;
    private final int atOnce;

    private Many(Vault vault, List<Subject> subjects, Path scratch, int atOnce) {
        this.vault = vault;
        this.subjects = subjects;
        this.scratch = scratch;
        this.atOnce = atOnce;
    }

    /// How long a job took, and what came of it.
    private record Done(Subject subject, double seconds, RecoveryPoint point) {}

    public static void main(String[] args)
            throws IOException, InterruptedException, ExecutionException {
        List<Subject> subjects;
        try (Stream<String> lines = Files.lines(Path.of(args[2]))) {
            subjects = lines.map(Subject::parse).toList();
        }
        Vault.requireLibrary();
        try (Vault vault =
                        Vault.init(
                                new LocalStore(Path.of(args[0])),
                                KeyFile.create(Path.of(args[1]), Randomness.secure()),
                                new Vault.Surroundings(
                                        Randomness.secure(),
                                        InstantSource.system(),
                                        ProcessResources.ofThisProcess()));
                BufferedReader rounds =
                        new BufferedReader(
                                new InputStreamReader(System.in, StandardCharsets.UTF_8))) {
            Many many = new Many(vault, subjects, Path.of(args[3]), Integer.parseInt(args[4]));
            for (String round = rounds.readLine(); round != null; round = rounds.readLine()) {
                many.round(round);
            }
        }
    }

    private void round(String name) throws InterruptedException, ExecutionException, IOException {
        List<Callable<Done>> jobs = new ArrayList<>();
        subjects.forEach(subject -> jobs.add(() -> job(subject)));
        List<Done> done = new ArrayList<>();
        long cpu = cpuNanos();
        long begin = System.nanoTime();
        double seconds;
        try (ExecutorService threads = Executors.newFixedThreadPool(atOnce)) {
            for (Future<Done> each : threads.invokeAll(jobs)) {
                done.add(each.get());
            }
            seconds = since(begin);
        }
        requireAsNamed(name, done);
        List<Double> small = sorted(done, each -> !each.subject.isLarge());
        List<Double> live = sorted(done, each -> !each.subject.isLarge() && each.subject.isLive());
        List<Double> large = sorted(done, each -> each.subject.isLarge());
        OUT.printf(
                Locale.ROOT,
                "| %s | %d | %.0f | %.2f | %.2f | %.2f | %.1f | %.2f | %.2f | %.0f | %.0f |%n",
                name,
                atOnce,
                60 * done.size() / seconds,
                (cpuNanos() - cpu) / 1e9 / done.size(),
                median(small),
                small.getLast(),
                small.getLast() / median(small),
                median(live),
                median(large),
                ProcessMemory.now().peakMib(),
                ProcessMemory.heap() / 1048576.0);
    }

    private Done job(Subject subject) {
        long begin = System.nanoTime();
        RecoveryPoint point = subject.backup(vault, scratch);
        return new Done(subject, since(begin), point);
    }

    /// What this process has used of all processors.
    private static long cpuNanos() {
        return ManagementFactory.getPlatformMXBean(OperatingSystemMXBean.class).getProcessCpuTime();
    }

    private static double since(long begin) {
        return (System.nanoTime() - begin) / 1e9;
    }

    /// What is measured is what the name says.
    private static void requireAsNamed(String round, List<Done> done) {
        for (Done each : done) {
            long changed = each.point.changedBytes();
            if (round.startsWith("unchanged") != (changed == 0)) {
                throw new IllegalStateException(
                        round + ": " + each.subject.name() + " changed " + changed + " bytes");
            }
        }
    }

    private static List<Double> sorted(List<Done> done, Predicate<Done> which) {
        return done.stream()
                .filter(which)
                .map(Done::seconds)
                .sorted(Comparator.naturalOrder())
                .toList();
    }

    private static double median(List<Double> sorted) {
        return sorted.isEmpty() ? Double.NaN : sorted.get(sorted.size() / 2);
    }
}
