package io.stillpoint.simulation;

import io.stillpoint.platform.MemoryBudget;
import io.stillpoint.platform.ProcessResources;
import io.stillpoint.platform.Processors;
import io.stillpoint.platform.Randomness;
import io.stillpoint.platform.Threads;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Random;

/// One process: its life, its clock, its randomness.
final class SimulatedProcess {
    private final String name;
    private final Turns turns;
    private final Random random;

    /// One worker, and no clock that runs by itself: what a history does is its seed's.
    private final ProcessResources resources =
            new ProcessResources(
                    Threads.ofSimulation(),
                    new Processors(1, () -> 0),
                    MemoryBudget.ofHeap(1L << 30),
                    () -> 0);

    private Duration clockError = Duration.ZERO;
    private Instant pausedUntil = Instant.MIN;
    private Duration longestPause = Duration.ZERO;
    private int faults;
    private boolean isSpared;
    private boolean isDead;
    private String token = "";

    SimulatedProcess(String name, Turns turns, Random random) {
        this.name = name;
        this.turns = turns;
        this.random = random;
    }

    String name() {
        return name;
    }

    Randomness randomness() {
        return random::nextBytes;
    }

    ProcessResources resources() {
        return resources;
    }

    /// The process's clock, which may be wrong by days.
    InstantSource clock() {
        return () -> turns.now().plus(clockError);
    }

    void setClockError(Duration error) {
        clockError = error;
    }

    /// A process that never fails, dies or falls silent.
    SimulatedProcess spared() {
        isSpared = true;
        return this;
    }

    boolean isSpared() {
        return isSpared;
    }

    boolean isDead() {
        return isDead;
    }

    void die() {
        isDead = true;
    }

    Instant pausedUntil() {
        return isDead ? Instant.MIN : pausedUntil;
    }

    void pause(Duration length) {
        pausedUntil = turns.now().plus(length);
        silentFor(length);
    }

    /// Notes a silence, whatever its reason.
    void silentFor(Duration length) {
        longestPause = longestPause.plus(length);
    }

    /// How long it has been silent in sum since [#beginAction].
    Duration silence() {
        return longestPause;
    }

    void noteFault() {
        faults++;
    }

    int faults() {
        return faults;
    }

    void beginAction() {
        longestPause = Duration.ZERO;
        faults = 0;
    }

    /// What marks the point that this process is making.
    String token() {
        return token;
    }

    void setToken(String token) {
        this.token = token;
    }
}
