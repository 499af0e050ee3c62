package io.stillpoint.simulation.queue;

import io.stillpoint.planning.queue.Admission;
import io.stillpoint.planning.queue.Estimate;
import io.stillpoint.planning.queue.Forecast;
import io.stillpoint.planning.queue.HeldScratch;
import io.stillpoint.planning.queue.Plan;
import io.stillpoint.planning.queue.ScratchSpace;
import io.stillpoint.planning.queue.TransferQueue;
import io.stillpoint.platform.ByteSize;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.PriorityQueue;
import java.util.Random;
import java.util.Set;

/// The month, in steps of half a minute: due jobs ask for their snapshot, what is admitted waits, the queue says what begins,
/// and what runs goes on at the speed of its store. The queue knows estimates alone; what comes of them is drawn from the
/// seed. It is asked as a service would ask it: when something came or ended, or when it wished to be asked.
final class QueueMonth {
    static final Instant BEGIN = Instant.parse("2026-06-01T00:00:00Z");
    static final Duration STEP = Duration.ofSeconds(30);

    /// Of hundred transfers, one or two fail on their way.
    private static final double FAILS = 0.02;

    /// A guess for VMs that have no earlier transfer.
    private static final long FIRST_RATE = 60L << 20;

    final Fleet fleet;
    final Weather weather;
    final List<Job> jobs = new ArrayList<>();
    final QueueReport report = new QueueReport();

    private final long seed;
    private final int days;
    private final TransferQueue queue;
    private final PriorityQueue<Job> due =
            new PriorityQueue<>(
                    Comparator.<Job, Instant>comparing(job -> job.notBefore)
                            .thenComparing(Job::id));
    private final Map<String, Job> waiting = new LinkedHashMap<>();
    private final List<Job> running = new ArrayList<>();
    private final Map<String, List<Job>> held = new HashMap<>();
    private final Map<String, Job> active = new HashMap<>();
    private final Map<String, List<Estimate.Earlier>> earlier = new HashMap<>();
    private Instant askAgain = BEGIN;
    private boolean changed;
    private int foretold;

    /// How often the queue was asked, snapshots were refused, transfers failed, scratch space ran out.
    int asked;

    int refused;
    int failed;
    int broken;

    QueueMonth(long seed, int vms, int days) {
        this(seed, Fleet.of(seed, vms), days);
    }

    QueueMonth(long seed, Fleet fleet, int days) {
        this.seed = seed;
        this.days = days;
        this.fleet = fleet;
        this.weather = Weather.of(seed, BEGIN, days, fleet.stores());
        this.queue = new TransferQueue(fleet.limits());
        Random random = new Random(seed + 2);
        for (Fleet.Vm vm : fleet.vms()) {
            addJobs(vm, random);
        }
        due.addAll(jobs);
    }

    private void addJobs(Fleet.Vm vm, Random random) {
        // One of hundred is new, and its first backup reads all it has.
        int first = random.nextInt(100) == 0 ? random.nextInt(days) : 0;
        if (first == 0) {
            earlier.put(vm.name(), new ArrayList<>(List.of(transferred(vm, vm.load().bytes()))));
        }
        for (int day = first; day < days; day++) {
            double bytes = vm.load().bytes() * Math.exp(0.3 * random.nextGaussian());
            if (day == first && first > 0) {
                // Some are so large that no day is enough for them.
                bytes = vm.load().bytes() * (random.nextInt(10) == 0 ? 300 : 10);
            }
            double failsAt =
                    random.nextDouble() < FAILS
                            ? bytes * random.nextDouble()
                            : Double.POSITIVE_INFINITY;
            Instant slot = BEGIN.plus(Duration.ofDays(day)).plus(vm.slot());
            jobs.add(new Job(vm, slot, (long) bytes, failsAt));
        }
    }

    private static Estimate.Earlier transferred(Fleet.Vm vm, double bytes) {
        return new Estimate.Earlier(
                new ByteSize((long) bytes),
                Duration.ofSeconds(Math.max(1, (long) (bytes / vm.load().rate()))));
    }

    /// All of it, and some days more for the longest transfers.
    void run() {
        Instant end = BEGIN.plus(Duration.ofDays(days + 5));
        for (Instant now = BEGIN; now.isBefore(end); now = now.plus(STEP)) {
            if (weather.dead().at(now)) {
                die();
            } else {
                List<Job> candidates = comers(now);
                if (changed || !candidates.isEmpty() || !now.isBefore(askAgain)) {
                    ask(now, candidates);
                }
                goOn(now);
            }
            if (now.getEpochSecond() % 600 == 0) {
                checkScratch(now);
                report.look(now, waiting.size(), running.size(), foretold);
            }
        }
    }

    /// What was moved is in the vault, snapshots stay in their hypervisors; all else begins again when the server is back.
    private void die() {
        running.forEach(Job::stops);
        running.forEach(job -> waiting.put(job.id(), job));
        running.clear();
        changed = true;
    }

    /// Jobs that ask for their snapshot. Those that have it already, and whose transfer failed, wait again.
    private List<Job> comers(Instant now) {
        List<Job> comers = new ArrayList<>();
        for (Job job = due.peek(); job != null && !job.notBefore.isAfter(now); job = due.peek()) {
            due.remove();
            Job other = active.putIfAbsent(job.vm.name(), job);
            if (other != null && other != job) {
                // Never two for one VM.
                job.notBefore = now.plus(Duration.ofMinutes(10));
                due.add(job);
            } else if (held(job).contains(job)) {
                waiting.put(job.id(), job);
                changed = true;
            } else {
                List<Estimate.Earlier> known = earlier.getOrDefault(job.vm.name(), List.of());
                job.estimated(Estimate.waiting(new ByteSize(job.bytes), known, FIRST_RATE));
                comers.add(job);
            }
        }
        comers.sort(Comparator.<Job, Instant>comparing(job -> job.slot).thenComparing(Job::id));
        return comers;
    }

    private List<Job> held(Job job) {
        return held.computeIfAbsent(job.vm.route().host(), _ -> new ArrayList<>());
    }

    /// The forecast that admission needs is that of a plan in which the candidates wait already. If any is refused, the
    /// queue is asked once more without it.
    private void ask(Instant now, List<Job> candidates) {
        candidates.forEach(job -> waiting.put(job.id(), job));
        Plan plan = plan(now);
        boolean again = false;
        for (Job job : candidates) {
            again |= !admit(now, job);
        }
        if (again) {
            plan = plan(now);
        }
        plan.begin().forEach(each -> begin(now, each.id()));
        askAgain = plan.askAgain();
        changed = false;
    }

    private Plan plan(Instant now) {
        asked++;
        Plan plan =
                queue.plan(
                        now,
                        waiting.values().stream().map(job -> job.transfer(now)).toList(),
                        running.stream().map(job -> job.transfer(now)).toList());
        foretold = 0;
        int at = 0;
        for (Job job : running) {
            note(job, plan.forecasts().get(at++));
        }
        for (Job job : waiting.values()) {
            note(job, plan.forecasts().get(at++));
        }
        return plan;
    }

    private void note(Job job, Forecast forecast) {
        job.forecastEnd = forecast.end();
        job.foretold |= forecast.misses();
        foretold += forecast.misses() ? 1 : 0;
    }

    private boolean admit(Instant now, Job job) {
        List<HeldScratch> others = new ArrayList<>();
        long free = fleet.scratch();
        for (Job each : held(job)) {
            free -= each.scratch(now);
            others.add(
                    new HeldScratch(
                            new ByteSize(each.scratch(now)), each.writes(), each.forecastEnd));
        }
        ScratchSpace space =
                new ScratchSpace(job.vm.route().host(), new ByteSize(Math.max(0, free)), others);
        Admission answer =
                Admission.of(
                        now,
                        space,
                        new Admission.Wish(job.vm.name(), job.writes(), job.forecastEnd));
        switch (answer) {
            case Admission.Admitted() -> {
                job.snapshot = now;
                held(job).add(job);
                return true;
            }
            case Admission.Refused(_, Instant tryAgain) -> {
                refused++;
                waiting.remove(job.id());
                active.remove(job.vm.name());
                job.notBefore = tryAgain;
                due.add(job);
                return false;
            }
        }
    }

    private void begin(Instant now, String id) {
        Job job = waiting.remove(id);
        if (job == null) {
            throw new IllegalStateException("begins, but does not wait: " + id);
        }
        job.begins(now);
        running.add(job);
    }

    private void goOn(Instant now) {
        for (Iterator<Job> each = running.iterator(); each.hasNext(); ) {
            Job job = each.next();
            String store = job.vm.route().store();
            if (!job.passes(now, STEP, weather.speed(store, now))) {
                continue;
            }
            each.remove();
            job.stops();
            changed = true;
            if (job.isDone()) {
                held(job).remove(job);
                active.remove(job.vm.name());
                remember(job);
                report.ended(job);
            } else {
                failed++;
                due.add(job);
            }
        }
    }

    private void remember(Job job) {
        List<Estimate.Earlier> known =
                earlier.computeIfAbsent(job.vm.name(), _ -> new ArrayList<>());
        known.addFirst(
                new Estimate.Earlier(
                        new ByteSize(job.bytes),
                        Duration.ofMillis((long) (job.transferring * 1000))));
        if (known.size() > 5) {
            known.removeLast();
        }
    }

    private void checkScratch(Instant now) {
        for (List<Job> each : held.values()) {
            long taken = each.stream().mapToLong(job -> job.scratch(now)).sum();
            broken += taken > fleet.scratch() ? 1 : 0;
        }
    }

    /// Those that missed their deadline, or never ended.
    Set<Job> missed() {
        Set<Job> missed = new HashSet<>();
        jobs.stream().filter(Job::missed).forEach(missed::add);
        return missed;
    }

    String summary() {
        FullKnowledge known = FullKnowledge.of(fleet, weather, jobs);
        return String.format(
                Locale.ROOT,
                "seed %d: %d VMs, %d jobs, %d missed, of which %d can't be met by any schedule",
                seed,
                fleet.vms().size(),
                jobs.size(),
                missed().size(),
                known.alone().size() + known.together());
    }
}
