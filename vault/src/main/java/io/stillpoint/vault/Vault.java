package io.stillpoint.vault;

import io.stillpoint.platform.Cancellation;
import io.stillpoint.platform.Randomness;
import io.stillpoint.platform.block.BlockTarget;
import io.stillpoint.vault.VaultException.Kind;
import io.stillpoint.vault.crypto.CipherWarmUp;
import io.stillpoint.vault.crypto.Credential;
import io.stillpoint.vault.crypto.KeySlot;
import io.stillpoint.vault.crypto.VaultKeys;
import io.stillpoint.vault.index.ItemIndex;
import io.stillpoint.vault.pack.PackFiles;
import io.stillpoint.vault.store.ObjectId;
import io.stillpoint.vault.store.ObjectName;
import io.stillpoint.vault.store.ObjectName.Area;
import io.stillpoint.vault.store.ObjectStore;
import io.stillpoint.vault.store.ObjectStore.StoredObject;
import io.stillpoint.vault.tree.TreeDifference;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.function.LongConsumer;
import org.jspecify.annotations.Nullable;

/// An open vault: where recovery points are made, listed, verified and restored from. The index is opened when it
/// is first needed. Safe for use by several threads; several processes may use one vault at once.
public final class Vault implements AutoCloseable {
    private final ObjectStore store;
    private final VaultHeader header;
    private final VaultKeys keys;
    private final KeySlots keySlots;
    private final Randomness randomness;
    private final InstantSource clock;
    private final PackFiles packs;
    private @Nullable ItemIndex index;
    private @Nullable NodeStore nodes;

    private Vault(
            ObjectStore store,
            VaultHeader header,
            VaultKeys keys,
            ObjectId opener,
            Randomness randomness,
            InstantSource clock) {
        this.store = store;
        this.header = header;
        this.keys = keys;
        keySlots = new KeySlots(this, opener);
        this.randomness = randomness;
        this.clock = clock;
        packs = new PackFiles(store, keys);
    }

    /// Makes a new vault; it exists when this returns. Throws kind `EXISTS` if the store holds one, `KEY_FILE` if the
    /// passphrase won't do.
    public static Vault init(
            ObjectStore store, Credential credential, Randomness randomness, InstantSource clock) {
        requireNone(store);
        VaultHeader header = new VaultHeader(ObjectId.random(randomness), clock.instant());
        VaultKeys keys = new VaultKeys(header.id(), randomness.bytes(VaultKeys.KEY_LENGTH));
        KeySlot.Title title =
                new KeySlot.Title(
                        ObjectId.random(randomness), header.id(), "first", header.createdAt());
        KeySlots.write(store, title, credential, keys, randomness);
        // The header last: without it there is no vault, so a crash before leaves none.
        put(store, ObjectName.vault(), header.encode(keys));
        return new Vault(store, header, keys, title.id(), randomness, clock);
    }

    /// Throws kind `EXISTS` if the store holds a vault.
    public static void requireNone(ObjectStore store) {
        if (store.exists(ObjectName.vault())) {
            throw new VaultException(Kind.EXISTS, "vault.exists", null, store.description());
        }
    }

    /// Opens a vault. Throws kinds `NOT_A_VAULT`, `WRONG_KEY`, `TOO_NEW`, `DAMAGED`.
    public static Vault open(
            ObjectStore store, Credential credential, Randomness randomness, InstantSource clock) {
        Unlocked unlocked = Unlocked.by(credential, store);
        return new Vault(
                store, unlocked.header(), unlocked.keys(), unlocked.slotId(), randomness, clock);
    }

    /// The credentials that open this vault.
    public KeySlots keySlots() {
        return keySlots;
    }

    public ObjectId id() {
        return header.id();
    }

    /// Where it lies, in the store's words.
    public String location() {
        return store.description();
    }

    public Instant createdAt() {
        return header.createdAt();
    }

    /// All recovery points, oldest first. Throws kind `DAMAGED` if one can't be read.
    public List<RecoveryPoint> points() {
        List<RecoveryPoint> points = new ArrayList<>();
        forEachPoint((point, damage) -> {
            if (damage != null) {
                throw damage;
            }
            if (point != null) {
                points.add(point);
            }
        });
        points.sort(
                Comparator.comparing(RecoveryPoint::snapshotAt).thenComparing(RecoveryPoint::id));
        return points;
    }

    /// Is told of each point, or of the damage to it.
    @FunctionalInterface
    interface PointVisitor {
        void visit(@Nullable RecoveryPoint point, @Nullable VaultException damage);
    }

    void forEachPoint(PointVisitor visitor) {
        PointCodec codec = new PointCodec(keys, store.description());
        List<ObjectName> names = new ArrayList<>();
        store.list(Area.POINTS, listed -> names.add(listed.name()));
        for (ObjectName name : names) {
            RecoveryPoint point;
            try {
                point = codec.decode(get(store, name), name);
            } catch (VaultException e) {
                if (e.kind() != Kind.DAMAGED && e.kind() != Kind.TOO_NEW) {
                    throw e;
                }
                visitor.visit(null, e);
                continue;
            }
            visitor.visit(point, null);
        }
    }

    /// The one point whose id begins with `prefix`. Throws kind `NOT_FOUND` if there is none or more than one.
    public RecoveryPoint point(String prefix) {
        List<RecoveryPoint> found =
                points().stream()
                        .filter(point -> point.id().toString().startsWith(prefix))
                        .toList();
        if (found.size() != 1 || prefix.isEmpty()) {
            throw new VaultException(
                    Kind.NOT_FOUND,
                    found.isEmpty() ? "vault.no-such-point" : "vault.ambiguous-point",
                    null,
                    store.description(),
                    prefix,
                    found.size());
        }
        return found.getFirst();
    }

    /// The newest point of a VM.
    public Optional<RecoveryPoint> newest(String vm) {
        return points().stream()
                .filter(point -> point.vm().equals(vm))
                .reduce((older, newer) -> newer);
    }

    /// Begins a backup.
    public BackupSession backup(Cancellation cancellation, IntakeProgress progress) {
        return new BackupSession(this, cancellation, progress);
    }

    /// Writes a disk's content to a target that reads as zeros, and checks every chunk. Throws kinds `DAMAGED` and
    /// `MISSING`, or what the target failed with; the target's content is incomplete then.
    ///
    /// @param progress is told of bytes written, by many threads
    public void restore(
            DiskImage image, BlockTarget target, Cancellation cancellation, LongConsumer progress) {
        try (CipherWarmUp warmUp = CipherWarmUp.start()) {
            new DiskRestore(this, warmUp, cancellation, progress).run(image, target);
        }
    }

    /// Reads and checks everything: every byte of every object, and that every point can be restored.
    ///
    /// @param progress is told of stored bytes checked, by many threads
    public Verification verify(Cancellation cancellation, LongConsumer progress) {
        try (CipherWarmUp warmUp = CipherWarmUp.start()) {
            return new Verifier(this, warmUp, cancellation, progress).run();
        }
    }

    /// What differs between two disks, ascending.
    public void difference(DiskImage before, DiskImage after, ChunkVisitor visitor) {
        new TreeDifference(nodes())
                .walk(
                        before.root(),
                        before.shape(),
                        after.root(),
                        after.shape(),
                        (chunk, _, _) -> visitor.chunk(chunk));
    }

    /// Is told of a differing chunk.
    @FunctionalInterface
    public interface ChunkVisitor {
        /// @param number of the chunk: its offset divided by 65,536
        void chunk(long number);
    }

    /// What lies in the store.
    ///
    /// @param packBytes of all packs together
    public record Facts(
            int points, long packs, long packBytes, long segments, long segmentBytes, long items) {}

    /// Counts what lies in the store.
    public Facts facts() {
        long[] packFacts = count(Area.PACKS);
        long[] segmentFacts = count(Area.INDEX);
        return new Facts(
                (int) count(Area.POINTS)[0],
                packFacts[0],
                packFacts[1],
                segmentFacts[0],
                segmentFacts[1],
                index().entries());
    }

    private long[] count(Area area) {
        long[] counts = new long[2];
        store.list(
                area,
                listed -> {
                    counts[0]++;
                    counts[1] += listed.size();
                });
        return counts;
    }

    ObjectStore store() {
        return store;
    }

    VaultKeys keys() {
        return keys;
    }

    Randomness randomness() {
        return randomness;
    }

    InstantSource clock() {
        return clock;
    }

    PackFiles packs() {
        return packs;
    }

    synchronized ItemIndex index() {
        if (index == null) {
            index = ItemIndex.open(store, keys, randomness);
        }
        return index;
    }

    synchronized NodeStore nodes() {
        if (nodes == null) {
            nodes = new NodeStore(packs, index(), keys, store.description());
        }
        return nodes;
    }

    @Override
    public synchronized void close() {
        if (nodes != null) {
            nodes.close();
        }
        if (index != null) {
            index.close();
        }
        packs.close();
        store.close();
    }

    static void put(ObjectStore store, ObjectName name, byte[] bytes) {
        try (ObjectStore.Upload upload = store.create(name)) {
            upload.write(bytes, 0, bytes.length);
            upload.commit();
        }
    }

    static byte[] get(ObjectStore store, ObjectName name) {
        try (StoredObject object = store.open(name)) {
            byte[] bytes = new byte[Math.toIntExact(Math.min(object.size(), 64 << 20))];
            object.read(0, bytes, 0, bytes.length);
            return bytes;
        }
    }
}
