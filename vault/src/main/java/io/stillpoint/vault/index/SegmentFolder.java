package io.stillpoint.vault.index;

import io.stillpoint.platform.Processors;
import io.stillpoint.platform.Randomness;
import io.stillpoint.vault.crypto.VaultKeys;
import io.stillpoint.vault.pack.PackFile;
import io.stillpoint.vault.store.ObjectId;
import io.stillpoint.vault.store.ObjectName;
import io.stillpoint.vault.store.ObjectStore;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/// The segments of one vault as its store has them, and the packs that they are made from. Safe for use by several threads.
record SegmentFolder(ObjectStore store, VaultKeys keys, Randomness randomness) {
    /// A segment that was written.
    record Written(ObjectName name, long bytes) {}

    List<ObjectName> list() {
        List<ObjectName> names = new ArrayList<>();
        Processors.aside(
                () -> store.list(ObjectName.Area.INDEX, listed -> names.add(listed.name())));
        return names;
    }

    boolean exists(Segment segment) {
        return store.exists(segment.name());
    }

    /// As [Segment#open(ObjectStore, VaultKeys, ObjectName)].
    Segment open(ObjectName name) {
        return Segment.open(store, keys, name);
    }

    /// Writes a segment of these packs; durable when this returns.
    Written write(List<ObjectId> packs, Consumer<SegmentWriter> filler) {
        try (SegmentWriter writer =
                new SegmentWriter(store, keys, ObjectId.random(randomness), packs)) {
            filler.accept(writer);
            long bytes = writer.commit();
            return new Written(writer.name(), bytes);
        }
    }

    /// As [PackFile#open].
    PackFile openPack(ObjectId pack) {
        return PackFile.open(store, keys, pack);
    }

    boolean hasPack(ObjectId pack) {
        return Processors.aside(() -> store.exists(new ObjectName(ObjectName.Area.PACKS, pack)));
    }
}
