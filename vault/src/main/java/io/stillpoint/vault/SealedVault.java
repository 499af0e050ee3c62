package io.stillpoint.vault;

import io.stillpoint.platform.Cancellation;
import io.stillpoint.platform.Workers;
import io.stillpoint.vault.VaultException.Kind;
import io.stillpoint.vault.record.DamagedFrames;
import io.stillpoint.vault.record.PackList;
import io.stillpoint.vault.record.Records;
import io.stillpoint.vault.record.Records.Found;
import io.stillpoint.vault.store.ObjectId;
import io.stillpoint.vault.store.ObjectName;
import io.stillpoint.vault.store.ObjectName.Area;
import io.stillpoint.vault.store.ObjectStore;
import io.stillpoint.vault.store.ObjectStore.Listed;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Queue;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongConsumer;

/// A vault without its key: what can be checked and deleted where the key is not, say beside the store. Safe for use by
/// several threads.
public final class SealedVault implements AutoCloseable {
    private final ObjectStore store;
    private final InstantSource clock;
    private final Records records;

    private SealedVault(ObjectStore store, InstantSource clock) {
        this.store = store;
        this.clock = clock;
        records = new Records(store, Optional.empty());
    }

    /// Throws kinds `NOT_A_VAULT`, `DAMAGED`, `TOO_NEW`.
    public static SealedVault open(ObjectStore store, InstantSource clock) {
        VaultHeader.decode(VaultHeader.read(store), store.description());
        return new SealedVault(store, clock);
    }

    /// Reads every object and checks its checksums. That tells what the store has damaged, but neither forged objects
    /// nor missing ones.
    ///
    /// @param progress is told of stored bytes checked, by many threads
    public Verification verify(Cancellation cancellation, LongConsumer progress) {
        Queue<ObjectName> names = new ConcurrentLinkedQueue<>();
        Map<Area, Integer> counts = new HashMap<>();
        names.add(ObjectName.vault());
        for (Area area : Area.values()) {
            if (area != Area.VAULT) {
                store.list(
                        area,
                        listed -> {
                            names.add(listed.name());
                            counts.merge(area, 1, Integer::sum);
                        });
            }
        }
        Queue<String> problems = new ConcurrentLinkedQueue<>();
        AtomicLong bytes = new AtomicLong();
        ObjectCheck check = new ObjectCheck(store, cancellation);
        Workers.run(
                VaultSettings.DEFAULT.workers(),
                "verify",
                () -> {
                    ObjectName name;
                    while ((name = names.poll()) != null) {
                        cancellation.check();
                        long length = check(check, name, problems);
                        bytes.addAndGet(length);
                        progress.accept(length);
                    }
                });
        return new Verification(
                counts.getOrDefault(Area.PACKS, 0),
                bytes.get(),
                0,
                counts.getOrDefault(Area.POINTS, 0),
                List.copyOf(problems),
                new TreeSet<>(),
                DamagedFrames.NONE);
    }

    private long check(ObjectCheck check, ObjectName name, Queue<String> problems) {
        try {
            return check.check(name);
        } catch (VaultException e) {
            boolean isDeleted = e.kind() == Kind.MISSING && !store.exists(name);
            if (e.kind() != Kind.DAMAGED && e.kind() != Kind.TOO_NEW && !isDeleted) {
                throw e;
            }
            if (!isDeleted) {
                problems.add(e.getMessage());
            }
            return 0;
        }
    }

    /// What [#carryOut] did.
    ///
    /// @param retainedPacks packs that the store does not let go yet
    public record CarriedOut(long deletedPacks, long deletedBytes, long retainedPacks) {}

    /// Deletes the packs of verdicts that stand: the part of pruning for which no key is needed. Who has the key but may
    /// not delete prunes up to the verdicts.
    ///
    /// @param grace how old a verdict must be
    public CarriedOut carryOut(Duration grace, Cancellation cancellation) {
        Map<ObjectId, Listed> packs = new HashMap<>();
        store.list(Area.PACKS, listed -> packs.put(listed.name().id(), listed));
        Instant now = clock.instant();
        long deleted = 0;
        long bytes = 0;
        long retained = 0;
        for (Found<PackList> verdict : records.executed()) {
            if (verdict.madeAt().plus(grace).isAfter(now)
                    || !records.isCondemned(verdict.record().id())) {
                continue;
            }
            List<Listed> left = new ArrayList<>();
            for (ObjectId pack : verdict.record().packs()) {
                cancellation.check();
                Listed listed = packs.get(pack);
                if (listed != null && isDeleted(listed.name())) {
                    deleted++;
                    bytes += listed.size();
                } else if (listed != null) {
                    left.add(listed);
                }
            }
            retained += left.size();
            if (left.isEmpty()) {
                records.deleteCondemned(verdict.record().id());
            }
        }
        return new CarriedOut(deleted, bytes, retained);
    }

    private boolean isDeleted(ObjectName pack) {
        try {
            store.delete(pack);
            return true;
        } catch (VaultException e) {
            if (e.kind() != Kind.RETAINED) {
                throw e;
            }
            return false;
        }
    }

    @Override
    public void close() {
        store.close();
    }
}
