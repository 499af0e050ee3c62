package io.stillpoint.simulation;

import io.stillpoint.platform.Cancellation;
import io.stillpoint.simulation.Model.SimulatedPoint;
import io.stillpoint.vault.Vault;
import io.stillpoint.vault.crypto.KeyFile;
import io.stillpoint.vault.point.ForgottenPoint;
import io.stillpoint.vault.point.RecoveryPoint;
import io.stillpoint.vault.prune.PruneResult;
import io.stillpoint.vault.prune.PruneRules;
import io.stillpoint.vault.session.VaultSettings;
import io.stillpoint.vault.store.ObjectName;
import io.stillpoint.vault.store.ObjectName.Area;
import io.stillpoint.vault.verify.Verification;
import java.time.Duration;
import java.util.List;
import java.util.Random;
import java.util.TreeSet;
import java.util.function.BiConsumer;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/// One history, made from a seed.
final class History {
    private static final int PRUNES_MAX = 6;

    /// After this nothing waits any more: no patience, no date, no grace, no lock.
    private static final Duration LONG = Duration.ofDays(400);

    private final Random random;
    private final HistoryRules rules;
    private final Turns turns;
    private final Model model = new Model();
    private final StoreState state;
    private final KeyFile key;
    private final VaultSettings settings;
    private @Nullable Throwable failure;
    private int processes;

    History(long seed) {
        random = new Random(seed * 0x9E37_79B9_7F4A_7C15L);
        random.nextInt();
        rules = HistoryRules.draw(random);
        turns = new Turns(random, rules.switching());
        state = new StoreState(turns, random, rules, model);
        byte[] secret = new byte[32];
        random.nextBytes(secret);
        key = new KeyFile(secret);
        // Frames of differences hardly shrink, and a pack must hold one.
        boolean differences = random.nextBoolean();
        settings =
                new VaultSettings(
                        differences ? Disks.CHUNK : 2 * Disks.CHUNK,
                        differences,
                        (differences ? 70_000 : 3000) + random.nextInt(4000),
                        70_000,
                        rules.patience());
    }

    long operations() {
        return state.operations();
    }

    int crashes() {
        return state.crashes();
    }

    HistoryRules rules() {
        return rules;
    }

    List<String> trace() {
        return state.trace();
    }

    /// Runs the history. Throws what it shows to be wrong.
    void run() throws Throwable {
        alone(
                "init",
                process -> {
                    try (Vault vault =
                            Vault.init(
                                    new SimulatedStore(state, process),
                                    key,
                                    new Vault.Surroundings(
                                            process.randomness(),
                                            process.clock(),
                                            process.resources()))) {
                        state.note(process.name(), "made " + vault.id());
                    }
                });
        // Keys are found by a listing.
        turns.advance(rules.delay());
        for (int phase = 0; phase < rules.phases(); phase++) {
            for (int lane = 0; lane < rules.lanes(); lane++) {
                lane();
            }
            turns.run();
            requireNoFailure();
            rest();
            if (random.nextInt(5) == 0) {
                loseSegments();
            }
        }
        end();
    }

    private void requireNoFailure() throws Throwable {
        if (failure != null) {
            throw failure;
        }
    }

    private SimulatedProcess process() {
        return new SimulatedProcess("p" + processes++, turns, new Random(random.nextLong()));
    }

    private void fail(Throwable thrown) {
        if (failure == null) {
            failure = thrown;
        }
    }

    /// A process that nothing happens to.
    private void alone(String name, java.util.function.Consumer<SimulatedProcess> task)
            throws Throwable {
        boolean[] ended = new boolean[1];
        turns.start(
                name,
                () -> {
                    try {
                        task.accept(process().spared());
                    } catch (Throwable thrown) {
                        fail(thrown);
                    }
                    ended[0] = true;
                });
        turns.run();
        requireNoFailure();
        if (!ended[0]) {
            throw new Violation(name + " never ended");
        }
    }

    private void withVault(String name, BiConsumer<SimulatedProcess, Vault> task) throws Throwable {
        alone(
                name,
                process -> {
                    try (Vault vault = open(process)) {
                        task.accept(process, vault);
                    }
                });
    }

    private Vault open(SimulatedProcess process) {
        return Vault.open(
                new SimulatedStore(state, process),
                key,
                new Vault.Surroundings(
                        process.randomness(), process.clock(), process.resources(), settings));
    }

    /// One process after the other: what crashes is started anew.
    private void lane() {
        int actions = 1 + random.nextInt(rules.actions());
        Random own = new Random(random.nextLong());
        turns.start(
                "lane",
                () -> {
                    int done = 0;
                    while (done < actions && failure == null) {
                        done += live(own, actions - done);
                    }
                });
    }

    /// A process's life. Returns how many actions it began.
    private int live(Random own, int actions) {
        SimulatedProcess process = process();
        int begun = 0;
        Vault vault = null;
        try {
            // Opening a vault changes nothing; it is told elsewhere what a failing store does to
            // it.
            vault = opened(process);
            Actor actor = new Actor(state, model, process, vault, own);
            do {
                actor.sleep(between(own));
                begun++;
                actor.act();
            } while (begun < actions && own.nextInt(3) != 0 && failure == null);
        } catch (Crash _) {
            // Its successor goes on.
        } catch (Throwable thrown) {
            fail(thrown);
        } finally {
            // Of a dead process: only the heap's and the compressor's memory is given back.
            close(vault);
        }
        return Math.max(1, begun);
    }

    private Vault opened(SimulatedProcess process) {
        while (true) {
            try {
                return open(process);
            } catch (io.stillpoint.vault.store.VaultException e) {
                if (process.faults() == 0) {
                    throw new Violation("the vault does not open", e);
                }
            }
        }
    }

    private void close(@Nullable Vault vault) {
        try {
            if (vault != null) {
                vault.close();
            }
        } catch (Crash _) {
            // Dead already.
        } catch (Throwable thrown) {
            fail(thrown);
        }
    }

    private Duration between(Random random) {
        if (rules.restless() && random.nextInt(20) != 0) {
            return Duration.ofMillis(random.nextInt(500));
        }
        return switch (random.nextInt(6)) {
            case 0 -> Duration.ofHours(random.nextInt(24));
            case 1 -> Duration.ofDays(random.nextInt(5));
            case 2 -> Duration.ofMinutes(random.nextInt(60));
            default -> Duration.ofMillis(random.nextInt(5000));
        };
    }

    /// Nothing is going on: what the vault tells must be what the model knows.
    private void rest() throws Throwable {
        // Requests on their way arrive, listings catch up.
        turns.advance(Duration.ofMinutes(15));
        state.arrive();
        turns.advance(Duration.ofMinutes(15));
        withVault(
                "rest",
                (process, vault) -> {
                    model.rest();
                    require(process, vault, random.nextInt(3) == 0);
                });
    }

    private void require(SimulatedProcess process, Vault vault, boolean all) {
        List<RecoveryPoint> offered = vault.points();
        List<ForgottenPoint> forgotten = vault.forgotten();
        requireSame(
                "offered",
                offered.stream().map(RecoveryPoint::writer).toList(),
                model.standing().stream().filter(SimulatedPoint::isOffered).toList());
        requireSame(
                "forgotten",
                forgotten.stream().map(point -> point.point().writer()).toList(),
                model.standing().stream().filter(point -> !point.isOffered()).toList());
        Actor.requireSound(vault.verify(new Cancellation(), _ -> {}));
        Actor actor = new Actor(state, model, process, vault, random);
        actor.begin();
        for (RecoveryPoint point : offered) {
            if (all || random.nextInt(4) == 0) {
                actor.restore(point);
            }
        }
        if (all) {
            forgotten.forEach(point -> actor.restore(point.point()));
        }
    }

    private static void requireSame(
            String what, List<String> listed, List<SimulatedPoint> expected) {
        var found = new TreeSet<>(listed);
        var wanted = expected.stream().map(point -> point.token).collect(Collectors.toSet());
        if (!found.equals(wanted) || found.size() != listed.size()) {
            throw new Violation(what + ": listed " + found + ", expected " + wanted);
        }
    }

    /// The index is redundant.
    private void loseSegments() {
        int percent = random.nextBoolean() ? 100 : 30;
        for (ObjectName name : state.names(Area.INDEX)) {
            if (random.nextInt(100) < percent) {
                state.note("fate", "loses " + name);
                state.delete(name);
            }
        }
        turns.advance(rules.delay());
    }

    /// In the end prune leaves what points need and nothing else.
    private void end() throws Throwable {
        int percent = HistoryRules.pick(random, 0, 50, 100);
        for (int run = 0; run < PRUNES_MAX; run++) {
            turns.advance(LONG);
            prune(percent, run == 0);
        }
        turns.advance(LONG);
        for (Area area : List.of(Area.SESSIONS, Area.CONDEMNED, Area.EXECUTED, Area.FORGOTTEN)) {
            if (!state.names(area).isEmpty()) {
                throw new Violation("prune leaves " + state.names(area));
            }
        }
        withVault(
                "end",
                (process, vault) -> {
                    model.rest();
                    require(process, vault, true);
                    PruneResult nothing =
                            vault.prune(pruneRules(percent, true), new Cancellation());
                    if (nothing.condemnedPacks() != 0 || nothing.deletedPacks() != 0) {
                        throw new Violation("prune never comes to an end: " + nothing);
                    }
                    Verification verification = vault.verify(new Cancellation(), _ -> {});
                    long needed = nothing.reachableItems();
                    if ((percent == 100 && verification.items() > needed)
                            || verification.items() < model.distinctChunks()) {
                        throw new Violation(
                                "points need "
                                        + needed
                                        + " items, packs hold "
                                        + verification.items());
                    }
                });
    }

    private static PruneRules pruneRules(int percent, boolean dryRun) {
        return new PruneRules(Duration.ofHours(1), Duration.ZERO, percent, Long.MAX_VALUE, dryRun);
    }

    private void prune(int percent, boolean first) throws Throwable {
        withVault(
                "prune",
                (process, vault) -> {
                    PruneResult told = vault.prune(pruneRules(percent, true), new Cancellation());
                    PruneResult done = vault.prune(pruneRules(percent, false), new Cancellation());
                    state.note(process.name(), "pruned " + done);
                    if (!told.equals(done)) {
                        throw new Violation("a dry run told " + told + ", the run did " + done);
                    }
                });
        if (first) {
            rest();
        }
    }
}
