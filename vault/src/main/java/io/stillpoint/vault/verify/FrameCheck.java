package io.stillpoint.vault.verify;

import io.stillpoint.vault.crypto.ItemHasher;
import io.stillpoint.vault.crypto.ItemId;
import io.stillpoint.vault.crypto.ObjectKind;
import io.stillpoint.vault.pack.DifferenceCodec;
import io.stillpoint.vault.pack.FrameReader;
import io.stillpoint.vault.pack.PackFile;
import io.stillpoint.vault.pack.PackGroup;
import io.stillpoint.vault.read.ChunkReader;
import io.stillpoint.vault.tree.Node;
import io.stillpoint.vault.tree.TreeShape;

/// Reads frames whole, and every item in them. For one thread at a time.
///
/// @param reader not closed here
/// @param bases of differences; not closed here
record FrameCheck(FrameReader reader, ChunkReader bases, ItemHasher hasher) {
    /// Throws kind `DAMAGED` if the frame or an item in it is not what the directory says, kind `MISSING` if the pack or a
    /// base is gone.
    void check(PackFile pack, PackGroup group) {
        int length = reader.readChecked(pack, group.frameOffset(), group.frameLength());
        byte[] chunk = new byte[TreeShape.CHUNK];
        int at = 0;
        for (int i = 0; i < group.ids().length; i++) {
            int size = group.lengths()[i];
            ItemId id = group.ids()[i];
            boolean isSound = size > 0 && at + size <= length;
            if (isSound && group.bases()[i] == null) {
                isSound = isSound(pack.kind(), id, at, size);
            } else if (isSound) {
                isSound =
                        pack.kind() == ObjectKind.DATA_PACK
                                && bases.apply(reader.plain(), at, size, chunk, 0)
                                && DifferenceCodec.base(reader.plain(), at).equals(group.bases()[i])
                                && hasher.chunk(chunk, 0, chunk.length).equals(id);
            }
            if (!isSound) {
                throw pack.where().damaged("item " + id);
            }
            at += size;
        }
        if (at != length) {
            throw pack.where().damaged("frame at " + group.frameOffset());
        }
    }

    private boolean isSound(ObjectKind kind, ItemId id, int at, int size) {
        byte[] bytes = reader.plain();
        return kind == ObjectKind.DATA_PACK
                ? size == TreeShape.CHUNK && hasher.chunk(bytes, at, size).equals(id)
                : hasher.node(bytes, at, size).equals(id) && Node.decode(bytes, at, size) != null;
    }
}
