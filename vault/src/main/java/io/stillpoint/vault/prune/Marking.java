package io.stillpoint.vault.prune;

import io.stillpoint.platform.Cancellation;
import io.stillpoint.platform.Crew;
import io.stillpoint.platform.MemoryBudget;
import io.stillpoint.platform.Processors;
import io.stillpoint.vault.crypto.ItemId;
import io.stillpoint.vault.crypto.ObjectKind;
import io.stillpoint.vault.index.ItemIndex;
import io.stillpoint.vault.pack.FrameReader;
import io.stillpoint.vault.pack.PackFile;
import io.stillpoint.vault.pack.PackGroup;
import io.stillpoint.vault.pack.Place;
import io.stillpoint.vault.point.DiskImage;
import io.stillpoint.vault.point.PointDisk;
import io.stillpoint.vault.point.RecoveryPoint;
import io.stillpoint.vault.read.Contents;
import io.stillpoint.vault.session.BackupSession;
import io.stillpoint.vault.store.ObjectId;
import io.stillpoint.vault.store.VaultException;
import io.stillpoint.vault.store.VaultException.Kind;
import io.stillpoint.vault.tree.Node;
import io.stillpoint.vault.tree.NodeReader;
import io.stillpoint.vault.tree.TreeDifference;
import io.stillpoint.vault.tree.TreeShape;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;

/// Finds what points reach, on all processors. Of each disk the oldest point's tree is walked whole, and of the others what
/// differs from the one before, so that a node is walked about once however many points share it, without a list of all that were
/// walked. Its memory does not grow with the vault, but for [Reachable], which is bounded.
final class Marking implements AutoCloseable {
    private static final int ATTEMPTS = 5;
    private static final long MIB = 1 << 20;

    /// MiB that say what is reachable, at least: enough for some millions of items.
    private static final int REACHABLE_MIN = 16;

    /// For trees that several VMs share.
    private static final long WALKED = 8 * MIB;

    /// What it can't work without, in bytes.
    static final long LEAST_MEMORY = REACHABLE_MIN * MIB + WALKED;

    private final PruneRun run;
    private final ItemIndex index;
    private final MemoryBudget.Shares walkedMemory;
    private final MemoryBudget.Shares memory;
    private final Reachable reachable;
    private @Nullable Reachable bases;

    Marking(PruneRun run, ItemIndex index) {
        this.run = run;
        this.index = index;
        walkedMemory = run.job().take(1, 1, WALKED);
        // It can't be given back before the end, so there must be room for a backup beside it.
        Contents contents = run.parts().contents();
        long left =
                contents.process().memory().free()
                        - BackupSession.leastMemory(run.parts().settings());
        long wanted = Math.min(Reachable.bytesFor(index.entries()), Math.max(0, left));
        memory = run.job().take(REACHABLE_MIN, Math.toIntExact(wanted / MIB + 1), MIB);
        reachable = new Reachable(index.entries(), memory.count() * MIB * 7 / 8);
    }

    /// Marks all that the points reach. Throws kinds `DAMAGED`, `MISSING`, `TOO_NEW` if that is not known.
    void mark(List<RecoveryPoint> points) {
        Walk walk =
                new Walk(
                        run.parts().contents().nodes(),
                        reachable,
                        new WalkedNodes(WALKED),
                        run.job().cancellation());
        walk.add(points);
        try {
            run.job()
                    .work(
                            new Crew(
                                    "mark",
                                    run.parts().contents().process().processors().count(),
                                    0),
                            walk::work);
        } catch (VaultException e) {
            throw e.isDamage() ? run.unsafe(e) : e;
        }
        run.tally().reachableItems = walk.items();
        for (int attempt = 1; ; attempt++) {
            try {
                addBases();
                return;
            } catch (VaultException e) {
                if (e.kind() != Kind.MISSING || attempt == ATTEMPTS) {
                    throw e.isDamage() ? run.unsafe(e) : e;
                }
                // Another prune may have deleted a pack: the index tells by now where its items
                // are.
                index.refresh();
            }
        }
    }

    /// How much of each pack is needed. Again if another process replaced segments while they were read.
    ///
    /// @param condemned packs that nothing relies on
    PackCensus census(Set<ObjectId> condemned) {
        for (int attempt = 1; ; attempt++) {
            try {
                return PackCensus.take(index, reachable, condemned);
            } catch (VaultException e) {
                if (e.kind() != Kind.MISSING || attempt == ATTEMPTS) {
                    throw e;
                }
                index.refresh();
            }
        }
    }

    DeletionCheck check(Set<ObjectId> condemned) {
        return new DeletionCheck(
                run.parts().contents(), reachable, bases, condemned, run.job().cancellation());
    }

    /// What a reachable difference is made from is reachable too. Directories tell, so no data is read.
    private void addBases() {
        Set<ObjectId> withShortItems = new HashSet<>();
        index.forEach((id, places) -> {
            if (reachable.contains(id)) {
                for (Place place : index.damagedFrames().sound(places)) {
                    if (place.itemLength() < TreeShape.CHUNK) {
                        withShortItems.add(place.pack());
                    }
                }
            }
        });
        if (!withShortItems.isEmpty() && bases == null) {
            // Few chunks are bases; with too little room for them more is kept than must be.
            bases = new Reachable(index.entries(), memory.count() * MIB / 8);
        }
        try (FrameReader reader = new FrameReader()) {
            for (ObjectId id : withShortItems) {
                run.check();
                addBases(id, reader, Objects.requireNonNull(bases));
            }
        }
    }

    private void addBases(ObjectId id, FrameReader reader, Reachable onlyBases) {
        Contents contents = run.parts().contents();
        try (PackFile pack = PackFile.open(contents.store(), contents.keys(), id)) {
            if (pack.kind() == ObjectKind.METADATA_PACK) {
                return;
            }
            for (PackGroup group : pack.directory(reader)) {
                for (int i = 0; i < group.ids().length; i++) {
                    ItemId base = group.bases()[i];
                    if (base != null && reachable.contains(group.ids()[i])) {
                        reachable.add(base);
                        onlyBases.add(base);
                    }
                }
            }
        }
    }

    @Override
    public void close() {
        memory.close();
        walkedMemory.close();
    }

    /// The walk itself. Safe for use by many threads; the lock covers what is left to do.
    static final class Walk {
        private final NodeReader nodes;
        private final Reachable reachable;
        private final WalkedNodes walked;
        private final Cancellation cancellation;
        private final LongAdder items = new LongAdder();

        // The last comes first: whoever takes a tree apart goes down before others begin, so few
        // parts wait.
        private final Deque<Part> parts = new ArrayDeque<>();
        private int inWork;

        Walk(NodeReader nodes, Reachable reachable, WalkedNodes walked, Cancellation cancellation) {
            this.cancellation = cancellation;
            this.nodes = nodes;
            this.reachable = reachable;
            this.walked = walked;
        }

        private sealed interface Part {}

        /// Everything below a node, and the node.
        private record Subtree(ItemId id, int level) implements Part {}

        /// What an image has and the one before it does not.
        private record Difference(DiskImage before, DiskImage after) implements Part {}

        /// Nodes walked, and chunks that they name.
        long items() {
            return items.sum();
        }

        synchronized void add(List<RecoveryPoint> points) {
            List<RecoveryPoint> sorted = new ArrayList<>(points);
            sorted.sort(RecoveryPoint.OLDEST_FIRST);
            record Disk(String vm, String name) {}
            Map<Disk, DiskImage> before = new HashMap<>();
            for (RecoveryPoint point : sorted) {
                for (PointDisk disk : point.disks()) {
                    DiskImage image = disk.image();
                    DiskImage old = before.put(new Disk(point.vm(), disk.name()), image);
                    if (old != null && old.root() != null) {
                        parts.push(new Difference(old, image));
                    } else if (image.root() != null) {
                        parts.push(new Subtree(image.root(), image.shape().rootLevel()));
                    }
                }
            }
        }

        void work(Crew.Worker worker) {
            Part part;
            while (worker.goesOn() && (part = next()) != null) {
                try {
                    walk(part);
                } finally {
                    done();
                }
            }
        }

        /// The next part; null if all are done. While others may yet take one apart, it waits.
        private synchronized @Nullable Part next() {
            while (parts.isEmpty() && inWork > 0) {
                Processors.await(this::wait);
            }
            if (parts.isEmpty()) {
                return null;
            }
            inWork++;
            return parts.pop();
        }

        private synchronized void done() {
            inWork--;
            notifyAll();
        }

        private synchronized void push(ItemId id, int level) {
            parts.push(new Subtree(id, level));
            notifyAll();
        }

        private void walk(Part part) {
            switch (part) {
                case Subtree(ItemId id, int level) -> walk(id, level);
                case Difference(DiskImage before, DiskImage after) -> walk(before, after);
            }
        }

        private void walk(ItemId id, int level) {
            if (!walked.isNew(id)) {
                return;
            }
            cancellation.check();
            mark(id);
            Node node = nodes.read(id, level);
            for (int i = 0; i < Node.FAN_OUT; i++) {
                ItemId child = node.child(i);
                if (child != null && level > 1) {
                    push(child, level - 1);
                } else if (child != null && level == 1) {
                    walk(child, 0);
                } else if (child != null) {
                    mark(child);
                }
            }
        }

        private void walk(DiskImage before, DiskImage after) {
            new TreeDifference(nodes)
                    .walkItems(
                            before.root(),
                            before.shape(),
                            after.root(),
                            after.shape(),
                            (id, isChunk) -> {
                                if (!isChunk) {
                                    cancellation.check();
                                }
                                mark(id);
                            });
        }

        private void mark(ItemId id) {
            reachable.add(id);
            items.increment();
        }
    }
}
