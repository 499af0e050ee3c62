package io.stillpoint.simulation;

import io.stillpoint.vault.store.ObjectId;
import io.stillpoint.vault.store.ObjectName;
import io.stillpoint.vault.store.ObjectName.Area;
import io.stillpoint.vault.store.ObjectStore;
import io.stillpoint.vault.store.VaultException;
import io.stillpoint.vault.store.VaultException.Kind;
import java.io.ByteArrayOutputStream;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.function.Consumer;
import java.util.function.Predicate;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/// One process's way to the simulated store. Each operation waits for its turn; then it is done, or fails, or seems to fail, or is done
/// later, or is the last that the process did.
final class SimulatedStore implements ObjectStore {
    private final StoreState state;
    private final SimulatedProcess process;

    SimulatedStore(StoreState state, SimulatedProcess process) {
        this.state = state;
        this.process = process;
    }

    @Override
    public String description() {
        return "simulated";
    }

    @Override
    public Duration listingDelay() {
        return state.rules().delay();
    }

    /// What fate has in store for an operation.
    private enum Fate {
        DONE,
        FAILED,
        FULL,
        DONE_BUT_FAILED,
        DONE_TWICE,
        LATE,
        CRASHED,
        DONE_AND_CRASHED
    }

    /// @param weight how likely trouble is, compared with a read
    private Fate fate(boolean changes, int weight) {
        Random random = state.random();
        HistoryRules rules = state.rules();
        if (process.isSpared()) {
            return Fate.DONE;
        }
        if (random.nextDouble() < rules.crashing() * weight / 2) {
            return random.nextBoolean() ? Fate.CRASHED : Fate.DONE_AND_CRASHED;
        }
        if (random.nextDouble() < rules.failing() * weight / 2) {
            return changes
                    ? HistoryRules.pick(
                            random,
                            Fate.FAILED,
                            Fate.FULL,
                            Fate.DONE_BUT_FAILED,
                            Fate.DONE_TWICE,
                            Fate.LATE)
                    : Fate.FAILED;
        }
        return Fate.DONE;
    }

    /// Trouble comes where it hurts: at the few operations that decide something.
    private static int weight(ObjectName name) {
        return switch (name.area()) {
            case POINTS, EXECUTED, CONDEMNED, FORGOTTEN, UNDONE -> 12;
            case SESSIONS, INDEX -> 4;
            case VAULT, KEYS, PACKS, QUARANTINE, CATALOGUE -> 3;
        };
    }

    private void awaitTurn(int weight) {
        requireAlive();
        if (!process.isSpared()
                && state.random().nextDouble() < state.rules().pausing() * weight
                && !process.pausedUntil().isAfter(state.turns().now())) {
            Duration pause = pause(state.random());
            process.pause(pause);
            state.note(process.name(), "falls silent for " + pause);
        }
        state.turns().await(process, Duration.ZERO);
        requireAlive();
        state.tick();
    }

    static Duration pause(Random random) {
        return switch (random.nextInt(3)) {
            case 0 -> Duration.ofSeconds(random.nextInt(1200));
            case 1 -> Duration.ofMinutes(random.nextInt(24 * 60));
            default -> Duration.ofHours(random.nextInt(24 * 8));
        };
    }

    private void requireAlive() {
        if (process.isDead()) {
            throw new Crash();
        }
    }

    private <T> T read(String what, Object name, Supplier<T> operation) {
        awaitTurn(1);
        return switch (fate(false, 1)) {
            case DONE -> operation.get();
            case CRASHED, DONE_AND_CRASHED -> throw crashed(what, name);
            default -> throw failed(what, name);
        };
    }

    private Crash crashed(String what, Object name) {
        state.note(process.name(), "DIES at " + what + " " + name);
        state.countCrash();
        process.die();
        return new Crash();
    }

    private VaultException failed(String what, Object name) {
        state.note(process.name(), "FAILS to " + what + " " + name);
        process.noteFault();
        return new VaultException(
                Kind.STORE, "vault.store-failed", null, description(), what, name, "simulated");
    }

    /// @param operation returns whether it could be done
    private void change(
            String what, ObjectName name, Supplier<Boolean> operation, boolean mayComeLate) {
        awaitTurn(weight(name));
        switch (fate(true, weight(name))) {
            case DONE -> requireDone(what, name, operation.get());
            case FAILED -> throw failed(what, name);
            case FULL -> {
                process.noteFault();
                state.note(process.name(), "FULL at " + what + " " + name);
                throw new VaultException(Kind.STORE_FULL, "vault.store-full", null, description());
            }
            case DONE_BUT_FAILED -> {
                boolean isDone = operation.get();
                state.note(process.name(), "(done: " + isDone + ", but:)");
                throw failed(what, name);
            }
            case DONE_TWICE -> {
                process.noteFault();
                requireDone(what + " twice", name, operation.get());
                // The first answer was lost; the layer below asked again.
                requireDone(what, name, operation.get());
            }
            case LATE -> {
                if (mayComeLate) {
                    Duration after =
                            state.random().nextBoolean()
                                    ? Duration.ofMillis(state.random().nextInt(2000))
                                    // No request stays on its way for longer.
                                    : Duration.ofSeconds(state.random().nextInt(600));
                    state.later(
                            after,
                            () -> {
                                boolean isDone = operation.get();
                                state.note(
                                        process.name(),
                                        "late: " + what + " " + name + ": " + isDone);
                            });
                    state.note(process.name(), "(comes late by " + after + ":)");
                }
                throw failed(what, name);
            }
            case CRASHED -> throw crashed(what, name);
            case DONE_AND_CRASHED -> {
                boolean isDone = operation.get();
                state.note(process.name(), "(done: " + isDone + ", then:)");
                throw crashed(what, name);
            }
        }
    }

    private void requireDone(String what, ObjectName name, boolean isDone) {
        state.note(process.name(), what + " " + name + (isDone ? "" : ": exists"));
        if (!isDone) {
            throw new VaultException(
                    Kind.EXISTS, "vault.object-exists", null, description() + "/" + name);
        }
    }

    @Override
    public void put(ObjectName name, byte[] content) {
        String token = process.token();
        byte[] copy = content.clone();
        change("put", name, () -> state.put(name, copy, token), true);
    }

    @Override
    public Upload create(ObjectName name) {
        requireAlive();
        ByteArrayOutputStream written = new ByteArrayOutputStream();
        return new Upload() {
            @Override
            public void write(byte[] from, int at, int length) {
                written.write(from, at, length);
            }

            @Override
            public void commit() {
                put(name, written.toByteArray());
            }

            @Override
            public void close() {}
        };
    }

    @Override
    public byte[] get(ObjectName name) {
        return read(
                "get",
                name,
                () -> {
                    StoreState.Stored object = state.get(name);
                    state.note(process.name(), "get " + name + (object == null ? ": missing" : ""));
                    return found(name, object).content().clone();
                });
    }

    private StoreState.Stored found(ObjectName name, StoreState.@Nullable Stored object) {
        if (object == null) {
            throw new VaultException(
                    Kind.MISSING, "vault.missing", null, description() + "/" + name);
        }
        return object;
    }

    @Override
    public boolean exists(ObjectName name) {
        return read(
                "exists",
                name,
                () -> {
                    boolean exists = state.get(name) != null;
                    state.note(process.name(), "exists " + name + ": " + exists);
                    return exists;
                });
    }

    @Override
    public void list(Area area, Consumer<Listed> visitor) {
        List<Listed> listed = new ArrayList<>();
        // In parts, each as of its own time.
        ObjectId middle = new ObjectId(state.random().nextLong(), 0);
        if (state.rules().paged()) {
            listed.addAll(part(area, id -> id.compareTo(middle) < 0));
            listed.addAll(part(area, id -> id.compareTo(middle) >= 0));
        } else {
            listed.addAll(part(area, _ -> true));
        }
        listed.forEach(visitor);
    }

    private List<Listed> part(Area area, Predicate<ObjectId> wanted) {
        return read(
                "list",
                area.folder(),
                () -> {
                    List<Listed> all = new ArrayList<>(state.list(area));
                    all.removeIf(each -> !wanted.test(each.name().id()));
                    state.note(process.name(), "list " + area.folder() + " " + ids(all));
                    return all;
                });
    }

    private static String ids(List<Listed> all) {
        List<String> ids =
                all.stream().map(listed -> listed.name().id().toString().substring(0, 6)).toList();
        return ids.toString();
    }

    @Override
    public void delete(ObjectName name) {
        change(
                "delete",
                name,
                () -> {
                    state.delete(name);
                    return true;
                },
                // Names of these are used again, so a late deletion would hit another record.
                name.area() != Area.FORGOTTEN);
    }

    @Override
    public StoredObject open(ObjectName name) {
        StoreState.Stored object =
                read(
                        "open",
                        name,
                        () -> {
                            StoreState.Stored found = state.get(name);
                            state.note(
                                    process.name(),
                                    "open " + name + (found == null ? ": missing" : ""));
                            return found(name, found);
                        });
        return new Opened(name, Objects.requireNonNull(object));
    }

    private final class Opened implements StoredObject {
        private final ObjectName name;
        private final StoreState.Stored object;

        Opened(ObjectName name, StoreState.Stored object) {
            this.name = name;
            this.object = object;
        }

        @Override
        public ObjectName name() {
            return name;
        }

        @Override
        public long size() {
            return object.content().length;
        }

        @Override
        public Instant modifiedAt() {
            return object.madeAt();
        }

        @Override
        public void read(long offset, byte[] into, int at, int length) {
            if (state.rules().handlesBreak()) {
                boolean isThere =
                        SimulatedStore.this.read("read", name, () -> state.get(name) != null);
                if (!isThere) {
                    state.note(process.name(), "read " + name + ": missing");
                    found(name, null);
                }
            } else {
                requireAlive();
            }
            if (offset + length > object.content().length) {
                throw new VaultException(
                        Kind.DAMAGED,
                        "vault.truncated",
                        null,
                        name,
                        Long.toString(offset + length),
                        Long.toString(object.content().length));
            }
            System.arraycopy(object.content(), (int) offset, into, at, length);
        }

        @Override
        public void close() {}
    }

    @Override
    public void close() {}
}
