package io.stillpoint.vault.verify;

import io.stillpoint.platform.Cancellation;
import io.stillpoint.platform.Crew;
import io.stillpoint.platform.JobShare;
import io.stillpoint.platform.ProcessResources;
import io.stillpoint.platform.text.Text;
import io.stillpoint.vault.key.VaultHeader;
import io.stillpoint.vault.record.DamagedFrames;
import io.stillpoint.vault.store.ObjectName;
import io.stillpoint.vault.store.ObjectName.Area;
import io.stillpoint.vault.store.ObjectStore;
import io.stillpoint.vault.store.VaultException;
import io.stillpoint.vault.store.VaultException.Kind;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongConsumer;

/// A vault without its key: what can be checked where the key is not, say beside the store. Safe for use by
/// several threads.
public final class SealedVault implements AutoCloseable {
    private final ObjectStore store;
    private final ProcessResources process;

    private SealedVault(ObjectStore store, ProcessResources process) {
        this.store = store;
        this.process = process;
    }

    /// Throws kinds `NOT_A_VAULT`, `DAMAGED`, `TOO_NEW`.
    ///
    /// @param process what its jobs share with all others of the process
    public static SealedVault open(ObjectStore store, ProcessResources process) {
        VaultHeader.decode(VaultHeader.read(store), store.description());
        return new SealedVault(store, process);
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
        Queue<Text> problems = new ConcurrentLinkedQueue<>();
        AtomicLong bytes = new AtomicLong();
        ObjectCheck check = new ObjectCheck(store, cancellation);
        Crew crew = new Crew("verify", process.processors().count(), ObjectCheck.MEMORY);
        try (JobShare job = process.begin(ObjectCheck.MEMORY, cancellation)) {
            job.work(
                    crew,
                    worker -> {
                        ObjectName name;
                        while (worker.goesOn() && (name = names.poll()) != null) {
                            cancellation.check();
                            long length = check(check, name, problems);
                            bytes.addAndGet(length);
                            progress.accept(length);
                        }
                    });
        }
        return new Verification(
                counts.getOrDefault(Area.PACKS, 0),
                bytes.get(),
                0,
                counts.getOrDefault(Area.POINTS, 0),
                List.copyOf(problems),
                new TreeSet<>(),
                DamagedFrames.NONE);
    }

    private long check(ObjectCheck check, ObjectName name, Queue<Text> problems) {
        try {
            return check.check(name);
        } catch (VaultException e) {
            boolean isDeleted = e.kind() == Kind.MISSING && !store.exists(name);
            if (!e.isJunk() && !isDeleted) {
                throw e;
            }
            if (!isDeleted) {
                problems.add(e.text());
            }
            return 0;
        }
    }

    /// How many verdicts of prune there are. Without the key nobody can tell whether they are ours, still stand, or were put
    /// back by somebody, so nothing is deleted for them here (`docs/decisions/0008-what-may-delete.md`).
    public int verdicts() {
        int[] count = new int[1];
        store.list(Area.EXECUTED, _ -> count[0]++);
        return count[0];
    }

    @Override
    public void close() {
        store.close();
    }
}
