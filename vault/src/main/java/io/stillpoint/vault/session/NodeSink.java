package io.stillpoint.vault.session;

import io.stillpoint.vault.crypto.ItemHasher;
import io.stillpoint.vault.crypto.ItemId;
import io.stillpoint.vault.crypto.VaultKeys;
import io.stillpoint.vault.index.ItemIndex;
import io.stillpoint.vault.pack.Compression;
import io.stillpoint.vault.pack.FrameCodec;
import io.stillpoint.vault.pack.FrameItems;
import io.stillpoint.vault.pack.PackWriter;
import io.stillpoint.vault.tree.Node;
import io.stillpoint.vault.tree.NodeWriter;

/// Gathers the nodes of all disks into frames of the metadata pack. Safe for use by several threads.
public final class NodeSink implements NodeWriter, AutoCloseable {
    /// Small frames, since one node is often read alone.
    private static final int FRAME = 64 << 10;

    private final PackWriter metadata;
    private final Claims claims;
    private final ItemIndex.Lookup lookup;
    private final ItemHasher hasher;
    private final FrameCodec codec = new FrameCodec(Compression.METADATA);
    private final FrameItems items = new FrameItems(FRAME, 255);

    NodeSink(PackWriter metadata, Claims claims, ItemIndex.Lookup lookup, VaultKeys keys) {
        this.metadata = metadata;
        this.claims = claims;
        this.lookup = lookup;
        hasher = new ItemHasher(keys);
    }

    @Override
    public synchronized ItemId write(Node node) {
        byte[] bytes = node.encode();
        ItemId id = hasher.node(bytes, 0, bytes.length);
        if (claims.claimNode(id, lookup)) {
            if (!items.hasRoom(bytes.length)) {
                metadata.append(codec, items);
            }
            items.add(id, bytes, 0, bytes.length);
        }
        return id;
    }

    synchronized void finish() {
        if (!items.isEmpty()) {
            metadata.append(codec, items);
        }
    }

    @Override
    public synchronized void close() {
        codec.close();
    }
}
