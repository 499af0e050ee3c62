package io.stillpoint.vault.verify;

import io.stillpoint.platform.Cancellation;
import io.stillpoint.platform.Crew;
import io.stillpoint.platform.JobShare;
import io.stillpoint.platform.Processors;
import io.stillpoint.platform.text.Text;
import io.stillpoint.vault.crypto.CipherWarmUp;
import io.stillpoint.vault.crypto.ItemHasher;
import io.stillpoint.vault.crypto.ItemId;
import io.stillpoint.vault.index.ItemIndex;
import io.stillpoint.vault.key.KeySlots;
import io.stillpoint.vault.pack.FrameReader;
import io.stillpoint.vault.pack.PackFile;
import io.stillpoint.vault.pack.PackGroup;
import io.stillpoint.vault.pack.Place;
import io.stillpoint.vault.point.Catalogue;
import io.stillpoint.vault.point.DiskImage;
import io.stillpoint.vault.point.PointDisk;
import io.stillpoint.vault.point.RecoveryPoint;
import io.stillpoint.vault.read.ChunkReader;
import io.stillpoint.vault.record.DamagedFrames;
import io.stillpoint.vault.record.Records;
import io.stillpoint.vault.session.VaultParts;
import io.stillpoint.vault.store.ObjectId;
import io.stillpoint.vault.store.ObjectName;
import io.stillpoint.vault.store.ObjectName.Area;
import io.stillpoint.vault.store.ObjectStore.Listed;
import io.stillpoint.vault.store.VaultException;
import io.stillpoint.vault.store.VaultException.Kind;
import io.stillpoint.vault.tree.Node;
import io.stillpoint.vault.tree.TreeDifference;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongConsumer;
import org.jspecify.annotations.Nullable;

/// Reads the whole vault. First every pack, in parallel: frames, ids, and that the index finds each item. Then
/// every point: its nodes can be read and its chunks are among those found sound. A point is compared with the one
/// before it of the same VM, so that what they share is walked once.
public final class Verifier {
    /// What a verification can't work without, in bytes: one worker's buffers.
    public static final long LEAST_MEMORY = FrameReader.MEMORY + ChunkReader.MEMORY;

    /// How often points that lack something are looked at.
    private static final int ATTEMPTS = 3;

    private final VaultParts parts;
    private final KeySlots keySlots;
    private final long sampleBytes;
    private final CipherWarmUp warmUp;
    private final JobShare job;
    private final Cancellation cancellation;
    private final LongConsumer progress;
    private final Queue<Text> problems = new ConcurrentLinkedQueue<>();
    private final Set<ObjectId> listedPacks = new HashSet<>();
    private Set<ObjectId> indexedPacks = Set.of();
    private final Queue<Text> ofPoints = new ConcurrentLinkedQueue<>();
    private final Set<ObjectId> hiddenPacks = ConcurrentHashMap.newKeySet();
    private final Set<ObjectId> missingPacks = ConcurrentHashMap.newKeySet();
    private final Map<ObjectId, Set<Long>> damagedFrames = new ConcurrentHashMap<>();
    private final AtomicLong bytes = new AtomicLong();
    private final AtomicLong items = new AtomicLong();

    /// @param progress is told of stored bytes checked, by many threads
    public record Watch(JobShare job, LongConsumer progress) {}

    /// @param sampleBytes how much of the packs to read, chosen at random; [Long#MAX_VALUE]: everything
    public Verifier(
            VaultParts parts,
            KeySlots keySlots,
            long sampleBytes,
            CipherWarmUp warmUp,
            Watch watch) {
        this.parts = parts;
        this.keySlots = keySlots;
        this.sampleBytes = sampleBytes;
        this.warmUp = warmUp;
        job = watch.job();
        cancellation = job.cancellation();
        progress = watch.progress();
    }

    public Verification run() {
        checkSmallObjects();
        List<Listed> packs = new ArrayList<>();
        parts.contents().store().list(Area.PACKS, packs::add);
        packs.forEach(listed -> listedPacks.add(listed.name().id()));
        Queue<ObjectId> sample = sample(packs);
        int packCount = sample.size();
        ItemIndex index = parts.contents().refreshedIndex();
        index.adoptUnlisted();
        indexedPacks = index.packs();
        problems.addAll(index.checkSegments());
        int threads =
                Math.max(
                        parts.contents().process().processors().count(),
                        parts.contents().store().streams());
        job.work(new Crew("verify", threads, LEAST_MEMORY), worker -> checkPacks(sample, worker));
        List<RecoveryPoint> points = new ArrayList<>();
        TreeSet<ObjectId> damaged = new TreeSet<>();
        parts.points()
                .forEach((_, point, damage) -> {
                    if (damage != null) {
                        problems.add(damage.text());
                    }
                    if (point != null) {
                        points.add(point);
                    }
                });
        checkCatalogue(points);
        List<RecoveryPoint> left = points;
        for (int attempt = 1; attempt <= ATTEMPTS && !left.isEmpty(); attempt++) {
            ofPoints.clear();
            damaged.clear();
            missingPacks.clear();
            checkPoints(left, damaged);
            // Purged meanwhile?
            damaged.removeIf(id -> parts.points().byId(id).isEmpty());
            left = points.stream().filter(point -> damaged.contains(point.id())).toList();
            if (!left.isEmpty()) {
                // Prune may have moved what was not found, or a backup stored it since.
                parts.contents().refreshedIndex();
            }
        }
        if (!left.isEmpty()) {
            problems.addAll(ofPoints);
            missingPacks.forEach(pack -> damaged(pack, DamagedFrames.WHOLE_PACK));
        }
        return new Verification(
                packCount,
                bytes.get(),
                items.get(),
                points.size(),
                List.copyOf(problems),
                damaged,
                new DamagedFrames(damagedFrames));
    }

    /// Every point has its entry, by which it is found among those of its VM.
    private void checkCatalogue(List<RecoveryPoint> points) {
        Catalogue catalogue = parts.points().catalogue();
        Set<ObjectId> entries = new HashSet<>();
        catalogue.all().forEach(listed -> entries.add(listed.name().id()));
        for (RecoveryPoint point : points) {
            boolean isEntered =
                    catalogue.namesOf(point.vm(), point.lineage().ordinal(), point.id()).stream()
                            .anyMatch(entries::contains);
            if (!isEntered && parts.points().byId(point.id()).isPresent()) {
                problems.add(
                        text(
                                "vault.not-in-catalogue",
                                parts.contents().location(),
                                point.id(),
                                point.vm()));
            }
        }
    }

    private Queue<ObjectId> sample(List<Listed> packs) {
        if (sampleBytes < Long.MAX_VALUE) {
            // A fresh choice each time, so that in time everything is read.
            Map<ObjectName, ObjectId> order = new HashMap<>();
            packs.forEach(pack -> order.put(pack.name(), ObjectId.random(parts.randomness())));
            packs.sort(Comparator.comparing(pack -> order.get(pack.name())));
        }
        Queue<ObjectId> sample = new ConcurrentLinkedQueue<>();
        long left = sampleBytes;
        for (Listed pack : packs) {
            if (left <= 0) {
                break;
            }
            left -= pack.size();
            sample.add(pack.name().id());
        }
        return sample;
    }

    /// The header, key slots and records: checksums, and authenticity of what the key signs.
    private void checkSmallObjects() {
        ObjectCheck check = new ObjectCheck(parts.contents().store(), cancellation);
        record(() -> check.check(ObjectName.vault()));
        List<ObjectName> slots = new ArrayList<>();
        parts.contents().store().list(Area.KEYS, listed -> slots.add(listed.name()));
        slots.forEach(slot -> record(() -> check.check(slot)));
        keySlots.list().stream()
                .filter(entry -> entry.state() == KeySlots.State.DAMAGED)
                .map(entry -> new ObjectName(Area.KEYS, entry.id()))
                .forEach(slot -> forgedSlot(check, slot));
        // Each record that can't be read is named, whichever it is.
        Records records =
                new Records(
                        parts.contents().store(),
                        parts.contents().keys(),
                        junk -> problems.add(junk.text()));
        record(records::sessions);
        record(records::forgotten);
        record(records::undone);
        record(records::condemned);
        record(records::executed);
        record(records::quarantined);
        record(records::catalogue);
    }

    /// A slot with a right checksum that no holder of the master key made.
    private void forgedSlot(ObjectCheck check, ObjectName slot) {
        try {
            check.check(slot);
        } catch (VaultException _) {
            // Told already.
            return;
        }
        problems.add(
                VaultException.damaged(
                                slot, parts.contents().store().description(), "authentication")
                        .text());
    }

    /// Runs a check and notes the damage that it throws. Returns whether there was none.
    private boolean record(Runnable check) {
        return record(problems, check);
    }

    private static boolean record(Queue<Text> problems, Runnable check) {
        try {
            check.run();
            return true;
        } catch (VaultException e) {
            e.requireDamage();
            problems.add(e.text());
            return false;
        }
    }

    private static Text text(String code, Object... arguments) {
        return Text.of(VaultException.class, code, arguments);
    }

    private void checkPacks(Queue<ObjectId> packs, Crew.Worker worker) {
        ItemIndex.Lookup lookup = parts.contents().index().lookup();
        warmUp.await();
        try (FrameReader reader = new FrameReader();
                ChunkReader bases = new ChunkReader(parts.contents())) {
            FrameCheck frames =
                    new FrameCheck(reader, bases, new ItemHasher(parts.contents().keys()));
            ObjectId id;
            while (worker.goesOn() && (id = packs.poll()) != null) {
                ObjectId pack = id;
                record(() -> {
                    try {
                        checkPack(pack, frames, lookup);
                    } catch (VaultException e) {
                        note(pack, e);
                    }
                });
            }
        }
    }

    /// Throws the exception again, unless the pack was pruned since it was listed.
    private void note(ObjectId pack, VaultException e) {
        if (e.kind() == Kind.MISSING
                && (isPruned(pack)
                        || !parts.contents().store().exists(new ObjectName(Area.PACKS, pack)))) {
            // Whether something is missed the points tell.
            return;
        }
        if (e.isDamage()) {
            damaged(pack, DamagedFrames.WHOLE_PACK);
        }
        throw e;
    }

    private boolean isPruned(ObjectId pack) {
        return parts.contents().refreshedIndex().isGone(pack);
    }

    private void checkPack(ObjectId id, FrameCheck frames, ItemIndex.Lookup lookup) {
        // A pack that a backup has just made is in the index later.
        boolean isIndexed = indexedPacks.contains(id) && !parts.contents().index().isGone(id);
        try (PackFile pack = PackFile.open(parts.contents().store(), parts.contents().keys(), id)) {
            for (PackGroup group : pack.directory(frames.reader())) {
                cancellation.check();
                Processors.pass();
                if (!isSound(pack, group, frames)) {
                    damaged(id, group.frameOffset());
                }
                if (isIndexed) {
                    group.forEachPlace(id, (item, place) -> checkPlace(lookup, item, place));
                }
                items.addAndGet(group.ids().length);
                bytes.addAndGet(group.frameLength());
                progress.accept(group.frameLength());
            }
        }
    }

    private void damaged(ObjectId pack, long frameOffset) {
        damagedFrames.computeIfAbsent(pack, _ -> ConcurrentHashMap.newKeySet()).add(frameOffset);
    }

    /// Whether the frame is as it should be. Throws kind `MISSING` if the pack is gone meanwhile.
    private boolean isSound(PackFile pack, PackGroup group, FrameCheck frames) {
        try {
            frames.check(pack, group);
            return true;
        } catch (VaultException e) {
            boolean isBaseMissing =
                    e.kind() == Kind.MISSING
                            && parts.contents()
                                    .store()
                                    .exists(new ObjectName(Area.PACKS, pack.id()));
            if (!e.isJunk() && !isBaseMissing) {
                throw e;
            }
            problems.add(e.text());
            return false;
        }
    }

    private void checkPlace(ItemIndex.Lookup lookup, ItemId item, Place place) {
        record(() -> {
            Place found = lookup.findIndexed(item);
            boolean isKnown =
                    place.equals(found)
                            || lookup.places(item).contains(place)
                            || parts.contents().otherPlaces(item, null).contains(place)
                            || parts.contents().index().isGone(place.pack())
                            || !parts.contents()
                                    .store()
                                    .exists(new ObjectName(Area.PACKS, place.pack()));
            if (!isKnown) {
                problems.add(
                        text(
                                "vault.index-wrong",
                                parts.contents().store().description(),
                                item,
                                place.pack()));
            }
        });
    }

    private void checkPoints(List<RecoveryPoint> points, Set<ObjectId> damaged) {
        List<RecoveryPoint> sorted = new ArrayList<>(points);
        sorted.sort(RecoveryPoint.OLDEST_FIRST);
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
                            text(
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
        ItemIndex.Lookup lookup = parts.contents().index().lookup();
        ReachCheck check = new ReachCheck(id -> isThere(lookup, id));
        new TreeDifference((id, level) -> node(lookup, id, level))
                .walk(
                        before == null ? null : before.root(),
                        before == null ? image.shape() : before.shape(),
                        image.root(),
                        image.shape(),
                        check);
        cancellation.check();
        return check.missing();
    }

    /// A node that is there. One that was read before, or whose pack is still open, may have gone from the store since.
    private Node node(ItemIndex.Lookup lookup, ItemId id, int level) {
        if (!isThere(lookup, id)) {
            throw new VaultException(
                    Kind.MISSING,
                    "vault.node-missing",
                    null,
                    parts.contents().store().description(),
                    id);
        }
        return parts.contents().nodes().read(id, level);
    }

    /// Whether some place of the item is sound, as far as was read.
    private boolean isThere(ItemIndex.Lookup lookup, ItemId id) {
        Place place = lookup.find(id);
        if (place != null
                && (isThere(place) || lookup.places(id).stream().anyMatch(this::isThere))) {
            return true;
        }
        if (place != null) {
            return false;
        }
        Place hidden =
                parts.contents().index().placesOfGone(id).stream()
                        .filter(this::isThere)
                        .findFirst()
                        .orElse(null);
        if (hidden == null) {
            return false;
        }
        if (hiddenPacks.add(hidden.pack())) {
            problems.add(
                    text(
                            "vault.verdict-hides",
                            parts.contents().store().description(),
                            hidden.pack()));
        }
        return true;
    }

    private boolean isThere(Place place) {
        Set<Long> damaged = damagedFrames.getOrDefault(place.pack(), Set.of());
        return !damaged.contains(place.frameOffset())
                && !damaged.contains(DamagedFrames.WHOLE_PACK)
                && (listedPacks.contains(place.pack()) || exists(place.pack()));
    }

    /// A pack that was not there when packs were listed: made since, or lost. Of one that is missing the index may
    /// tell by now where its items were moved to.
    private boolean exists(ObjectId pack) {
        if (missingPacks.contains(pack)) {
            return false;
        }
        if (parts.contents().store().exists(new ObjectName(Area.PACKS, pack))) {
            return true;
        }
        missingPacks.add(pack);
        // So that its other places are found, if it was pruned.
        parts.contents().refreshedIndex();
        return false;
    }
}
