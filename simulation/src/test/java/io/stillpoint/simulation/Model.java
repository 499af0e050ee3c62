package io.stillpoint.simulation;

import io.stillpoint.vault.store.ObjectId;
import java.time.Instant;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/// What the vault must hold. It watches points and forgotten records come and go in the store, so it knows at each instant
/// which points stand, whatever the processes were told.
final class Model {
    private final Map<String, SimulatedPoint> attempts = new HashMap<>();
    private final Map<ObjectId, SimulatedPoint> points = new HashMap<>();

    /// A point that somebody made or tried to make.
    static final class SimulatedPoint {
        final String token;
        final String vm;
        final Map<String, int[]> disks;
        final @Nullable Instant lockedUntil;
        @Nullable ObjectId id;
        Instant madeAt = Instant.MAX;
        boolean isDeleted;
        boolean isForgotten;

        /// From when on prune may delete it, by the store's clock.
        Instant purgeableFrom = Instant.MAX;

        SimulatedPoint(
                String token, String vm, Map<String, int[]> disks, Optional<Instant> lockedUntil) {
            this.token = token;
            this.vm = vm;
            this.disks = new TreeMap<>(disks);
            this.lockedUntil = lockedUntil.orElse(null);
        }

        int[] disk(String name) {
            return Objects.requireNonNull(disks.get(name));
        }

        boolean stands() {
            return id != null && !isDeleted;
        }

        boolean isOffered() {
            return stands() && !isForgotten;
        }

        boolean mayBeGone(Instant now) {
            return !stands() || !now.isBefore(purgeableFrom);
        }
    }

    void attempt(SimulatedPoint point) {
        attempts.put(point.token, point);
    }

    /// A point's object came to be.
    void pointMade(String token, ObjectId id, Instant now) {
        SimulatedPoint point = attempts.get(token);
        if (point == null) {
            throw new Violation("a point of nobody: " + id);
        }
        point.id = id;
        point.madeAt = now;
        points.put(id, point);
    }

    void pointDeleted(ObjectId id, Instant now) {
        SimulatedPoint point = points.get(id);
        if (point == null) {
            return;
        }
        if (now.isBefore(point.purgeableFrom)) {
            throw new Violation(
                    "point "
                            + point.token
                            + " deleted before "
                            + point.purgeableFrom
                            + ", at "
                            + now);
        }
        if (point.lockedUntil != null && now.isBefore(point.lockedUntil)) {
            throw new Violation("locked point " + point.token + " deleted");
        }
        point.isDeleted = true;
    }

    void forgotten(ObjectId id, Instant purgeAt, Instant now) {
        SimulatedPoint point = points.get(id);
        if (point == null) {
            return;
        }
        if (point.lockedUntil != null && now.isBefore(point.lockedUntil)) {
            throw new Violation("locked point " + point.token + " forgotten");
        }
        point.isForgotten = true;
        // Earlier if the point was brought back too late: whoever did that was told.
        point.purgeableFrom = purgeAt.isBefore(point.purgeableFrom) ? purgeAt : point.purgeableFrom;
    }

    void broughtBack(ObjectId id, Instant now) {
        SimulatedPoint point = points.get(id);
        if (point != null) {
            point.isForgotten = false;
            if (now.isBefore(point.purgeableFrom)) {
                point.purgeableFrom = Instant.MAX;
            }
        }
    }

    /// Whether a point was made after an instant.
    boolean madeOneAfter(Instant instant) {
        return points.values().stream().anyMatch(point -> point.madeAt.isAfter(instant));
    }

    /// Nobody does anything: what was brought back too late and not purged stands.
    void rest() {
        for (SimulatedPoint point : points.values()) {
            if (point.isOffered()) {
                point.purgeableFrom = Instant.MAX;
            }
        }
    }

    /// The point of this mark. A mark that no commit made stand must not be seen.
    SimulatedPoint ofToken(String token) {
        SimulatedPoint point = attempts.get(token);
        if (point == null || point.id == null) {
            throw new Violation("a point is listed that was never made: " + token);
        }
        return point;
    }

    boolean wasMade(String token) {
        SimulatedPoint point = attempts.get(token);
        return point != null && point.id != null;
    }

    List<SimulatedPoint> standing() {
        return points.values().stream().filter(SimulatedPoint::stands).toList();
    }

    /// How many different chunks the points that stand need.
    int distinctChunks() {
        Set<Integer> chunks = new HashSet<>();
        for (SimulatedPoint point : standing()) {
            for (int[] disk : point.disks.values()) {
                for (int chunk : disk) {
                    if (chunk != 0) {
                        chunks.add(chunk);
                    }
                }
            }
        }
        return chunks.size();
    }
}
