package io.stillpoint.vault.read;

import io.stillpoint.vault.index.ItemIndex;
import io.stillpoint.vault.point.DiskImage;
import io.stillpoint.vault.point.PointDisk;
import io.stillpoint.vault.point.RecoveryPoint;
import io.stillpoint.vault.store.VaultException;
import io.stillpoint.vault.tree.NodeReader;
import io.stillpoint.vault.tree.TreeDifference;

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
                        .walkItems(
                                null,
                                image.shape(),
                                image.root(),
                                image.shape(),
                                (id, _) -> found[0] |= sound.findIndexed(id) == null);
            } catch (VaultException e) {
                e.requireDamage();
                return true;
            }
        }
        return found[0];
    }
}
