package io.stillpoint.vault.session;

import io.stillpoint.platform.Cancellation;
import io.stillpoint.vault.crypto.ItemId;
import io.stillpoint.vault.index.ItemIndex;
import io.stillpoint.vault.pack.FrameReader;
import io.stillpoint.vault.pack.PackFile;
import io.stillpoint.vault.pack.PackGroup;
import io.stillpoint.vault.pack.Place;
import io.stillpoint.vault.point.PointDisk;
import io.stillpoint.vault.point.RecoveryPoint;
import io.stillpoint.vault.store.ObjectId;
import io.stillpoint.vault.store.ObjectName;
import io.stillpoint.vault.store.ObjectName.Area;
import io.stillpoint.vault.store.VaultException;
import io.stillpoint.vault.store.VaultException.Kind;
import io.stillpoint.vault.tree.Node;
import io.stillpoint.vault.tree.NodeSet;
import io.stillpoint.vault.tree.TreeShape;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/// Has the store itself keep what locked points need, as long as they are locked: points, packs, key slots and header.
/// Objects that no locked point needs are left to run out.
public final class Retention {
    private final VaultParts parts;
    private final ItemIndex.Lookup lookup;
    private final Cancellation cancellation;
    private final NodeSet walked = new NodeSet();
    private final Map<ObjectId, Instant> packs = new HashMap<>();
    private final Set<ObjectId> withShortItems = new HashSet<>();

    public Retention(VaultParts parts, Cancellation cancellation) {
        this.parts = parts;
        this.cancellation = cancellation;
        lookup = parts.contents().index().lookup();
    }

    /// Returns whether the store can do it. Throws kinds `DAMAGED`, `MISSING` if what a point needs is unknown.
    public boolean extend(Collection<RecoveryPoint> points) {
        List<RecoveryPoint> locked =
                new ArrayList<>(
                        points.stream().filter(point -> point.lockedUntil().isPresent()).toList());
        // The longest lock first: what is walked then needs no shorter one.
        locked.sort(Comparator.comparing(Retention::until).reversed());
        if (locked.isEmpty()) {
            return true;
        }
        Instant longest = until(locked.getFirst());
        try {
            parts.contents().store().retain(ObjectName.vault(), longest);
        } catch (VaultException e) {
            if (e.kind() != Kind.UNSUPPORTED) {
                throw e;
            }
            return false;
        }
        List<ObjectName> slots = new ArrayList<>();
        parts.contents().store().list(Area.KEYS, listed -> slots.add(listed.name()));
        slots.forEach(slot -> parts.contents().store().retain(slot, longest));
        for (RecoveryPoint point : locked) {
            for (PointDisk disk : point.disks()) {
                ItemId root = disk.image().root();
                if (root != null) {
                    walk(root, disk.image().shape().rootLevel(), until(point));
                }
            }
        }
        addBases();
        packs.forEach((pack, until) ->
                parts.contents().store().retain(new ObjectName(Area.PACKS, pack), until));
        // Points last: one that is kept has all it needs.
        locked.forEach(point ->
                parts.contents()
                        .store()
                        .retain(new ObjectName(Area.POINTS, point.id()), until(point)));
        return true;
    }

    private static Instant until(RecoveryPoint point) {
        return point.lockedUntil().orElse(Instant.MIN);
    }

    private void walk(ItemId id, int level, Instant until) {
        if (!walked.add(id)) {
            return;
        }
        cancellation.check();
        note(id, until, false);
        Node node = parts.contents().nodes().read(id, level);
        for (int i = 0; i < Node.FAN_OUT; i++) {
            ItemId child = node.child(i);
            if (child != null && level > 0) {
                walk(child, level - 1, until);
            } else if (child != null) {
                note(child, until, true);
            }
        }
    }

    private void note(ItemId id, Instant until, boolean isChunk) {
        Place place = lookup.find(id);
        if (place == null) {
            place = parts.contents().otherPlaces(id, null).stream().findFirst().orElse(null);
        }
        if (place == null) {
            throw new VaultException(
                    Kind.MISSING, "vault.chunk-missing", null, parts.contents().location(), id);
        }
        packs.merge(place.pack(), until, (a, b) -> a.isAfter(b) ? a : b);
        if (isChunk && place.itemLength() < TreeShape.CHUNK) {
            withShortItems.add(place.pack());
        }
    }

    /// Differences need their bases as long.
    private void addBases() {
        try (FrameReader reader = new FrameReader()) {
            for (ObjectId id : withShortItems) {
                Instant until = packs.getOrDefault(id, Instant.MIN);
                try (PackFile pack =
                        PackFile.open(parts.contents().store(), parts.contents().keys(), id)) {
                    for (PackGroup group : pack.directory(reader)) {
                        for (ItemId base : group.bases()) {
                            Place place = base == null ? null : lookup.findWhole(base);
                            if (place != null) {
                                packs.merge(place.pack(), until, (x, y) -> x.isAfter(y) ? x : y);
                            }
                        }
                    }
                }
            }
        }
    }
}
