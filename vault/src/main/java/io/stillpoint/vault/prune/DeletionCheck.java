package io.stillpoint.vault.prune;

import io.stillpoint.platform.Cancellation;
import io.stillpoint.vault.crypto.ItemId;
import io.stillpoint.vault.crypto.ObjectKind;
import io.stillpoint.vault.index.ItemIndex;
import io.stillpoint.vault.pack.FrameReader;
import io.stillpoint.vault.pack.PackFile;
import io.stillpoint.vault.pack.PackGroup;
import io.stillpoint.vault.read.ChunkReader;
import io.stillpoint.vault.read.Contents;
import io.stillpoint.vault.store.ObjectId;
import io.stillpoint.vault.store.VaultException;
import java.util.HashSet;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// The last look before packs are deleted, which believes neither the index nor any record. What stands in a pack its own
/// directory tells, which only a holder of the key can have made for it; and what points need of that is read, byte for
/// byte, from a pack that stays. For one thread.
public final class DeletionCheck implements AutoCloseable {
    private final Contents contents;
    private final Reachable reachable;
    private final @Nullable Reachable bases;
    private final Set<ObjectId> unreliable;
    private final Cancellation cancellation;
    private final FrameReader directories = new FrameReader();
    private @Nullable ChunkReader items;
    private ItemIndex.@Nullable Lookup lookup;

    /// @param reachable what points need; what else it says is kept
    /// @param bases what differences are made from, which must stay whole; null: there are no differences
    /// @param unreliable packs that are to be deleted, now or later
    DeletionCheck(
            Contents contents,
            Reachable reachable,
            @Nullable Reachable bases,
            Set<ObjectId> unreliable,
            Cancellation cancellation) {
        this.contents = contents;
        this.reachable = reachable;
        this.bases = bases;
        this.unreliable = Set.copyOf(unreliable);
        this.cancellation = cancellation;
    }

    /// Those of the packs that must stay: some of what they hold is needed and found nowhere else.
    ///
    /// @param doomed packs that exist, all of them unreliable
    /// @param isCounted whether the index was asked what is needed of these; then one whose directory can't be read may go
    ///     if a segment lists it, since a segment lists all items of a pack
    Set<ObjectId> needed(Set<ObjectId> doomed, boolean isCounted) {
        Set<ObjectId> needed = new HashSet<>();
        for (ObjectId pack : doomed) {
            cancellation.check();
            if (isNeeded(pack, isCounted)) {
                needed.add(pack);
            }
        }
        return needed;
    }

    private boolean isNeeded(ObjectId id, boolean isCounted) {
        try (PackFile pack = PackFile.open(contents.store(), contents.keys(), id)) {
            boolean isChunk = pack.kind() == ObjectKind.DATA_PACK;
            for (PackGroup group : pack.directory(directories)) {
                for (int i = 0; i < group.ids().length; i++) {
                    ItemId item = group.ids()[i];
                    if (reachable.contains(item)
                            && !isElsewhere(item, isChunk, group.bases()[i] == null)) {
                        return true;
                    }
                }
            }
            return false;
        } catch (VaultException e) {
            return switch (e.kind()) {
                case MISSING -> false;
                case DAMAGED, TOO_NEW -> !isCounted || !contents.index().isListed(id);
                default -> throw e;
            };
        }
    }

    private boolean isElsewhere(ItemId item, boolean isChunk, boolean isWhole) {
        if (items == null || lookup == null) {
            open();
        }
        if (isSound(item, isChunk, isWhole)) {
            return true;
        }
        // Another process may have moved it since the index was read.
        contents.refreshedIndex().adoptUnlisted();
        open();
        return isSound(item, isChunk, isWhole);
    }

    private boolean isSound(ItemId item, boolean isChunk, boolean isWhole) {
        boolean mustBeWhole = isChunk && isWhole && bases != null && bases.contains(item);
        ChunkReader reader = Objects.requireNonNull(items);
        return mustBeWhole ? reader.isSoundWhole(item) : reader.isSound(item, isChunk);
    }

    private void open() {
        close(items);
        lookup = contents.index().allPlaces(unreliable);
        items = new ChunkReader(contents, lookup, true);
    }

    private static void close(@Nullable ChunkReader reader) {
        if (reader != null) {
            reader.close();
        }
    }

    @Override
    public void close() {
        close(items);
        directories.close();
    }
}
