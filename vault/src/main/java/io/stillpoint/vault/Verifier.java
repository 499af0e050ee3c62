package io.stillpoint.vault;

import io.stillpoint.platform.Cancellation;
import io.stillpoint.platform.Messages;
import io.stillpoint.platform.Workers;
import io.stillpoint.vault.VaultException.Kind;
import io.stillpoint.vault.crypto.CipherWarmUp;
import io.stillpoint.vault.crypto.ItemHasher;
import io.stillpoint.vault.crypto.ItemId;
import io.stillpoint.vault.crypto.ObjectKind;
import io.stillpoint.vault.index.ItemIndex;
import io.stillpoint.vault.pack.FrameReader;
import io.stillpoint.vault.pack.PackFile;
import io.stillpoint.vault.pack.PackGroup;
import io.stillpoint.vault.pack.Place;
import io.stillpoint.vault.store.ObjectId;
import io.stillpoint.vault.store.ObjectName;
import io.stillpoint.vault.store.ObjectName.Area;
import io.stillpoint.vault.tree.Node;
import io.stillpoint.vault.tree.TreeDifference;
import io.stillpoint.vault.tree.TreeShape;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Set;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongConsumer;
import org.jspecify.annotations.Nullable;

/// Reads the whole vault. First every pack, in parallel: frames, ids, and that the index finds each item. Then
/// every point: its nodes can be read and its chunks are among those found sound. A point is compared with the one
/// before it of the same VM, so that what they share is walked once. Others may prune meanwhile: what they delete is not missing as long as
/// points have all they need.
final class Verifier {
    /// How often points that lack something are looked at: prune may be moving it.
    private static final int ATTEMPTS = 3;

    private final Vault vault;
    private final CipherWarmUp warmUp;
    private final Cancellation cancellation;
    private final LongConsumer progress;
    private final Messages messages = Messages.of(Verifier.class);
    private final Queue<String> problems = new ConcurrentLinkedQueue<>();
    private final Set<ObjectId> readable = ConcurrentHashMap.newKeySet();
    private final Set<ItemId> lost = ConcurrentHashMap.newKeySet();
    private final Queue<String> ofPoints = new ConcurrentLinkedQueue<>();
    private final Set<ObjectId> checked = new HashSet<>();
    private final AtomicLong bytes = new AtomicLong();
    private final AtomicLong items = new AtomicLong();

    Verifier(Vault vault, CipherWarmUp warmUp, Cancellation cancellation, LongConsumer progress) {
        this.vault = vault;
        this.warmUp = warmUp;
        this.cancellation = cancellation;
        this.progress = progress;
    }

    Verification run() {
        problems.addAll(vault.refreshedIndex().checkSegments());
        checkNewPacks();
        List<RecoveryPoint> points = new ArrayList<>();
        vault.forEachPoint((_, point, damage) -> {
            if (damage != null) {
                problems.add(damage.getMessage());
            }
            if (point != null) {
                points.add(point);
            }
        });
        SortedSet<ObjectId> damaged = new TreeSet<>();
        List<RecoveryPoint> left = points;
        for (int attempt = 1; attempt <= ATTEMPTS && !left.isEmpty(); attempt++) {
            ofPoints.clear();
            damaged.clear();
            checkPoints(left, damaged);
            // Purged meanwhile?
            damaged.removeIf(id -> vault.pointById(id).isEmpty());
            left = left.stream().filter(point -> damaged.contains(point.id())).toList();
            if (!left.isEmpty()) {
                // Prune may have moved what was not found.
                vault.refreshedIndex();
                checkNewPacks();
            }
        }
        if (!left.isEmpty()) {
            problems.addAll(ofPoints);
        }
        return new Verification(
                readable.size(),
                bytes.get(),
                items.get(),
                points.size(),
                List.copyOf(problems),
                damaged);
    }

    /// Checks packs that were not there when it was called before.
    private void checkNewPacks() {
        Queue<ObjectId> packs = new ConcurrentLinkedQueue<>();
        vault.store()
                .list(
                        Area.PACKS,
                        listed -> {
                            if (checked.add(listed.name().id())) {
                                packs.add(listed.name().id());
                            }
                        });
        if (!packs.isEmpty()) {
            Workers.run(vault.settings().workers(), "verify", () -> checkPacks(packs));
        }
    }

    /// Runs a check and notes the damage that it throws. Returns whether there was none.
    private static boolean record(Queue<String> problems, Runnable check) {
        try {
            check.run();
            return true;
        } catch (VaultException e) {
            if (e.kind() != Kind.DAMAGED && e.kind() != Kind.MISSING && e.kind() != Kind.TOO_NEW) {
                throw e;
            }
            problems.add(e.getMessage());
            return false;
        }
    }

    private void checkPacks(Queue<ObjectId> packs) {
        ItemHasher hasher = new ItemHasher(vault.keys());
        ItemIndex.Lookup lookup = vault.index().lookup();
        warmUp.await();
        try (FrameReader reader = new FrameReader()) {
            ObjectId id;
            while ((id = packs.poll()) != null) {
                ObjectId pack = id;
                record(problems, () -> checkPack(pack, reader, hasher, lookup));
            }
        }
    }

    private void checkPack(
            ObjectId id, FrameReader reader, ItemHasher hasher, ItemIndex.Lookup lookup) {
        try (PackFile pack = PackFile.open(vault.store(), vault.keys(), id)) {
            checkPack(pack, reader, hasher, lookup);
        } catch (VaultException e) {
            // Pruned since it was listed; whether something is missed the points tell.
            if (e.kind() != Kind.MISSING || vault.store().exists(name(id))) {
                throw e;
            }
            readable.remove(id);
        }
    }

    private static ObjectName name(ObjectId pack) {
        return new ObjectName(Area.PACKS, pack);
    }

    private void checkPack(
            PackFile pack, FrameReader reader, ItemHasher hasher, ItemIndex.Lookup lookup) {
        ObjectId id = pack.id();
        List<PackGroup> groups = pack.directory(reader);
        readable.add(id);
        for (PackGroup group : groups) {
            cancellation.check();
            if (!isSound(pack, group, reader, hasher)) {
                lost.addAll(List.of(group.ids()));
            }
            group.forEachPlace(id, (item, place) -> checkPlace(lookup, item, place));
            items.addAndGet(group.ids().length);
            bytes.addAndGet(group.frameLength());
            progress.accept(group.frameLength());
        }
    }

    /// Whether the frame is as it should be. Throws kind `MISSING` if the pack is gone meanwhile.
    private boolean isSound(PackFile pack, PackGroup group, FrameReader reader, ItemHasher hasher) {
        try {
            checkFrame(pack, group, reader, hasher);
            return true;
        } catch (VaultException e) {
            if (e.kind() != Kind.DAMAGED && e.kind() != Kind.TOO_NEW) {
                throw e;
            }
            problems.add(e.getMessage());
            return false;
        }
    }

    private static void checkFrame(
            PackFile pack, PackGroup group, FrameReader reader, ItemHasher hasher) {
        int length = reader.readChecked(pack, group.frameOffset(), group.frameLength());
        int at = 0;
        for (int i = 0; i < group.ids().length; i++) {
            int size = group.lengths()[i];
            boolean fits = size > 0 && at + size <= length;
            if (!fits || !isSound(pack.kind(), group.ids()[i], reader.plain(), at, size, hasher)) {
                throw pack.where().damaged("item " + group.ids()[i]);
            }
            at += size;
        }
        if (at != length) {
            throw pack.where().damaged("frame at " + group.frameOffset());
        }
    }

    private static boolean isSound(
            ObjectKind kind, ItemId id, byte[] bytes, int at, int size, ItemHasher hasher) {
        return kind == ObjectKind.DATA_PACK
                ? size == TreeShape.CHUNK && hasher.chunk(bytes, at, size).equals(id)
                : hasher.node(bytes, at, size).equals(id) && Node.decode(bytes, at, size) != null;
    }

    private void checkPlace(ItemIndex.Lookup lookup, ItemId item, Place place) {
        record(
                problems,
                () -> {
                    Place found = lookup.find(item);
                    boolean isUnknown = found == null && isUnknown(item, place);
                    if (isUnknown
                            || (found != null
                                    && found.pack().equals(place.pack())
                                    && !found.equals(place))) {
                        problems.add(
                                messages.text(
                                        "vault.index-wrong",
                                        vault.store().description(),
                                        item,
                                        place.pack()));
                    }
                });
    }

    /// Whether the index as of now does not know an item of a pack that stands.
    private boolean isUnknown(ItemId item, Place place) {
        return vault.otherPlaces(item, null).isEmpty()
                && !vault.index().isGone(place.pack())
                && vault.store().exists(name(place.pack()));
    }

    private void checkPoints(List<RecoveryPoint> points, Set<ObjectId> damaged) {
        List<RecoveryPoint> sorted = new ArrayList<>(points);
        sorted.sort(Comparator.comparing(RecoveryPoint::snapshotAt));
        Map<String, DiskImage> before = new HashMap<>();
        for (RecoveryPoint point : sorted) {
            for (PointDisk disk : point.disks()) {
                String key = point.vm() + "\n" + disk.name();
                long[] missing = new long[1];
                boolean walked =
                        record(
                                ofPoints,
                                () -> missing[0] = checkDisk(before.get(key), disk.image()));
                if (missing[0] > 0) {
                    ofPoints.add(
                            messages.text(
                                    "vault.point-lost-chunks",
                                    point.id(),
                                    disk.name(),
                                    Long.toString(missing[0])));
                }
                if (!walked || missing[0] > 0) {
                    damaged.add(point.id());
                    // What later points share with this one must be looked at again.
                    before.remove(key);
                } else {
                    before.put(key, disk.image());
                }
            }
        }
    }

    /// Returns how many chunks can't be restored.
    private long checkDisk(@Nullable DiskImage before, DiskImage image) {
        ItemIndex.Lookup lookup = vault.index().lookup();
        long[] missing = new long[1];
        new TreeDifference(vault.nodes())
                .walk(
                        before == null ? null : before.root(),
                        before == null ? image.shape() : before.shape(),
                        image.root(),
                        image.shape(),
                        (_, _, id) -> {
                            if (id != null && !isThere(lookup, id)) {
                                missing[0]++;
                            }
                        });
        cancellation.check();
        return missing[0];
    }

    private boolean isThere(ItemIndex.Lookup lookup, ItemId id) {
        Place place = lookup.find(id);
        return place != null
                && !lost.contains(id)
                && (readable.contains(place.pack())
                        || lookup.places(id).stream()
                                .anyMatch(other -> readable.contains(other.pack())));
    }
}
