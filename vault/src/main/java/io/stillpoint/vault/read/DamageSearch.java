package io.stillpoint.vault.read;

import io.stillpoint.vault.crypto.ItemId;
import io.stillpoint.vault.index.ItemIndex;
import io.stillpoint.vault.point.DiskImage;
import io.stillpoint.vault.point.PointDisk;
import io.stillpoint.vault.point.RecoveryPoint;
import io.stillpoint.vault.store.VaultException;
import io.stillpoint.vault.tree.NodeReader;
import io.stillpoint.vault.tree.TreeDifference;
import org.jspecify.annotations.Nullable;

/// Tells whether points reach something that has no sound place.
public final class DamageSearch {
    private final NodeReader nodes;
    private final ItemIndex.Lookup sound;

    /// @param sound finds no place known to be damaged
    public DamageSearch(NodeReader nodes, ItemIndex.Lookup sound) {
        this.nodes = nodes;
        this.sound = sound;
    }

    public boolean isIn(RecoveryPoint point) {
        boolean[] found = new boolean[1];
        for (PointDisk disk : point.disks()) {
            DiskImage image = disk.image();
            try {
                new TreeDifference(nodes)
                        .walk(null, image.shape(), image.root(), image.shape(), visitor(found));
            } catch (VaultException e) {
                if (!e.isDamage()) {
                    throw e;
                }
                return true;
            }
        }
        return found[0];
    }

    private TreeDifference.Visitor visitor(boolean[] found) {
        return new TreeDifference.Visitor() {
            @Override
            public void chunk(long chunk, @Nullable ItemId before, @Nullable ItemId after) {
                found[0] |= after != null && sound.findIndexed(after) == null;
            }

            @Override
            public void node(ItemId id, int level) {
                found[0] |= sound.findIndexed(id) == null;
            }
        };
    }
}
