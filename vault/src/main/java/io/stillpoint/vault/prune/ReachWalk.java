package io.stillpoint.vault.prune;

import io.stillpoint.platform.Cancellation;
import io.stillpoint.vault.crypto.ItemId;
import io.stillpoint.vault.point.PointDisk;
import io.stillpoint.vault.point.RecoveryPoint;
import io.stillpoint.vault.tree.Node;
import io.stillpoint.vault.tree.NodeReader;
import io.stillpoint.vault.tree.NodeSet;

/// Walks the trees of points, each node once however many trees share it, and notes what they reach.
public final class ReachWalk {
    private final NodeReader nodes;
    private final Reachable reachable;
    private final Cancellation cancellation;
    private final NodeSet walked = new NodeSet();
    private long chunks;

    ReachWalk(NodeReader nodes, Reachable reachable, Cancellation cancellation) {
        this.nodes = nodes;
        this.reachable = reachable;
        this.cancellation = cancellation;
    }

    /// Throws kinds `DAMAGED`, `MISSING` if a node can't be read.
    void add(RecoveryPoint point) {
        for (PointDisk disk : point.disks()) {
            ItemId root = disk.image().root();
            if (root != null) {
                walk(root, disk.image().shape().rootLevel());
            }
        }
    }

    private void walk(ItemId id, int level) {
        if (!walked.add(id)) {
            return;
        }
        cancellation.check();
        reachable.add(id);
        Node node = nodes.read(id, level);
        for (int i = 0; i < Node.FAN_OUT; i++) {
            ItemId child = node.child(i);
            if (child != null && level > 0) {
                walk(child, level - 1);
            } else if (child != null) {
                reachable.add(child);
                chunks++;
            }
        }
    }

    /// Nodes walked, and chunks that they name; a chunk that two leaves name counts twice.
    long items() {
        return walked.size() + chunks;
    }
}
