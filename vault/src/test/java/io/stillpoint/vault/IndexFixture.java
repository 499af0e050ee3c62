package io.stillpoint.vault;

import io.stillpoint.platform.Randomness;
import io.stillpoint.vault.crypto.ItemId;
import io.stillpoint.vault.crypto.VaultKeys;
import io.stillpoint.vault.index.ItemIndex;
import io.stillpoint.vault.pack.PackGroup;
import io.stillpoint.vault.pack.Place;
import io.stillpoint.vault.record.DamagedFrames;
import io.stillpoint.vault.store.ObjectId;
import io.stillpoint.vault.store.ObjectName;
import io.stillpoint.vault.store.ObjectStore;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/// Indexes of items that lie in no pack: of one vault without content, as several processes have them open.
public final class IndexFixture {
    private static final VaultKeys KEYS = new VaultKeys(new ObjectId(1, 2), new byte[32]);
    private static final int FRAME = 1000;

    /// The packs of all verdicts that stand.
    private final Set<ObjectId> verdicts = ConcurrentHashMap.newKeySet();

    private final Random random;

    public IndexFixture(long seed) {
        random = new Random(seed);
    }

    public Set<ObjectId> verdicts() {
        return verdicts;
    }

    /// What a process does that comes to the vault now.
    public ItemIndex open(ObjectStore store) {
        return ItemIndex.open(
                store, KEYS, Randomness.secure(), () -> verdicts, () -> DamagedFrames.NONE);
    }

    public ItemId id() {
        return new ItemId(
                random.nextLong(), random.nextLong(), random.nextLong(), random.nextLong());
    }

    public ObjectId pack() {
        return new ObjectId(random.nextLong(), random.nextLong());
    }

    /// The directory of a pack with these items, two to a frame.
    public static List<PackGroup> groups(List<ItemId> ids) {
        List<PackGroup> groups = new ArrayList<>();
        for (int at = 0; at < ids.size(); at += 2) {
            ItemId[] inFrame = ids.subList(at, Math.min(ids.size(), at + 2)).toArray(ItemId[]::new);
            int[] lengths = new int[inFrame.length];
            Arrays.fill(lengths, TestVault.CHUNK);
            groups.add(
                    new PackGroup(
                            32 + at * (long) FRAME,
                            FRAME,
                            inFrame,
                            lengths,
                            new ItemId[inFrame.length]));
        }
        return groups;
    }

    /// Notes a new pack of new items in the index. Returns the items.
    public List<ItemId> addPack(ItemIndex index, int items) {
        List<ItemId> ids = new ArrayList<>();
        for (int i = 0; i < items; i++) {
            ids.add(id());
        }
        index.durable(pack(), groups(ids));
        return ids;
    }

    /// Everything in the segments, by one way.
    public static Map<ItemId, Set<Place>> visited(ItemIndex index) {
        Map<ItemId, Set<Place>> all = new HashMap<>();
        index.forEach((id, places) -> {
            if (all.put(id, new HashSet<>(places)) != null) {
                throw new AssertionError(id + " was visited twice");
            }
        });
        return all;
    }

    public static List<ObjectName> segments(ObjectStore store) {
        List<ObjectName> names = new ArrayList<>();
        store.list(ObjectName.Area.INDEX, listed -> names.add(listed.name()));
        return names;
    }
}
