package io.stillpoint.vault.prune;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stillpoint.platform.Cancellation;
import io.stillpoint.platform.Crew;
import io.stillpoint.platform.JobShare;
import io.stillpoint.platform.Json;
import io.stillpoint.platform.ProcessResources;
import io.stillpoint.platform.Threads;
import io.stillpoint.vault.crypto.ItemId;
import io.stillpoint.vault.point.Consistency;
import io.stillpoint.vault.point.DiskImage;
import io.stillpoint.vault.point.Lineage;
import io.stillpoint.vault.point.PointDisk;
import io.stillpoint.vault.point.RecoveryPoint;
import io.stillpoint.vault.store.ObjectId;
import io.stillpoint.vault.store.ObjectName;
import io.stillpoint.vault.store.ObjectName.Area;
import io.stillpoint.vault.store.VaultException;
import io.stillpoint.vault.tree.Node;
import io.stillpoint.vault.tree.TreeShape;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/// Marking finds what a plain walk of every tree finds, on any number of processors and with any memory.
final class MarkingTest {
    private static final long HEAP = 512L << 20;

    private final Map<ItemId, Node> nodes = new ConcurrentHashMap<>();
    private final Random random = new Random(7);
    private final AtomicLong reads = new AtomicLong();

    private ItemId item() {
        return new ItemId(
                random.nextLong(), random.nextLong(), random.nextLong(), random.nextLong());
    }

    /// A tree like another one, with some parts changed: as the next point of a VM has it.
    private ItemId tree(@Nullable ItemId like, int level, double change) {
        Node old = like == null ? null : nodes.get(like);
        Node node = new Node(level);
        boolean isSame = old != null;
        for (int i = 0; i < Node.FAN_OUT; i++) {
            ItemId before = old == null ? null : old.child(i);
            ItemId after = before;
            if (old == null ? random.nextInt(8) == 0 : random.nextDouble() < change) {
                after =
                        level == 0
                                ? random.nextInt(5) == 0 ? null : item()
                                : tree(before, level - 1, change);
            }
            isSame &= Objects.equals(before, after);
            node.setChild(i, after);
        }
        if (isSame && like != null) {
            return like;
        }
        ItemId id = item();
        nodes.put(id, node);
        return id;
    }

    private RecoveryPoint point(String vm, long ordinal, long size, @Nullable ItemId root) {
        PointDisk disk =
                new PointDisk(
                        "disk",
                        new DiskImage(size, root),
                        "raw",
                        Optional.empty(),
                        PointDisk.Method.FULL,
                        "",
                        0,
                        0,
                        0);
        return new RecoveryPoint(
                new ObjectId(random.nextLong(), random.nextLong()),
                vm,
                Json.object(),
                Instant.EPOCH,
                Instant.EPOCH,
                Instant.EPOCH,
                Consistency.STOPPED,
                "",
                OptionalLong.empty(),
                List.of(disk),
                0,
                "test",
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                new Lineage(ordinal, Optional.empty()));
    }

    private List<RecoveryPoint> points() {
        long small = Node.FAN_OUT * TreeShape.LEAF_SPAN;
        long large = Node.FAN_OUT * small;
        List<RecoveryPoint> points = new ArrayList<>();
        ItemId shared = null;
        for (String vm : List.of("a", "b", "c", "d")) {
            ItemId root = shared == null ? tree(null, 1, 0) : shared;
            shared = root;
            for (int ordinal = 1; ordinal <= 12; ordinal++) {
                if (ordinal == 6) {
                    // The disk grew: the tree is higher.
                    root = tree(null, 2, 0);
                }
                points.add(point(vm, ordinal, ordinal < 6 ? small : large, root));
                root = tree(root, ordinal < 6 ? 1 : 2, 0.05);
            }
            points.add(point(vm, 13, large, null));
            points.add(point(vm, 14, large, root));
        }
        return points;
    }

    private void collect(ItemId id, Set<ItemId> found) {
        found.add(id);
        Node node = nodes.get(id);
        for (int i = 0; node != null && i < Node.FAN_OUT; i++) {
            ItemId child = node.child(i);
            if (child != null) {
                collect(child, found);
            }
        }
    }

    private Node read(ItemId id, int level) {
        reads.incrementAndGet();
        Node node = nodes.get(id);
        if (node == null || node.level() != level) {
            throw VaultException.damaged(
                    new ObjectName(Area.PACKS, new ObjectId(0, 0)), "test", "node");
        }
        return node;
    }

    private Reachable mark(List<RecoveryPoint> points, int processors, long memory) {
        Reachable reachable = new Reachable(nodes.size() * 20L, 64 << 20);
        Marking.Walk walk =
                new Marking.Walk(
                        this::read, reachable, new WalkedNodes(memory), new Cancellation());
        walk.add(points);
        ProcessResources process = ProcessResources.of(processors, HEAP, Threads.ofProcess());
        try (JobShare job = process.begin(0, new Cancellation())) {
            job.work(new Crew("mark", processors, 0), walk::work);
        }
        return reachable;
    }

    @Test
    void everythingThatPointsReachIsMarkedAndNothingElse() {
        List<RecoveryPoint> points = points();
        Set<ItemId> expected = new HashSet<>();
        for (RecoveryPoint point : points) {
            ItemId root = point.disks().getFirst().image().root();
            if (root != null) {
                collect(root, expected);
            }
        }
        for (int processors : List.of(1, 2, 8)) {
            for (long memory : List.of(1L, 8L << 20)) {
                Reachable reachable = mark(points, processors, memory);
                assertThat(expected).allMatch(reachable::contains);
                long others = 0;
                for (int i = 0; i < 20_000; i++) {
                    others += reachable.contains(item()) ? 1 : 0;
                }
                assertThat(others).isLessThan(5);
            }
        }
    }

    @Test
    void aNodeIsReadAboutOnceHoweverManyPointsShareIt() {
        List<RecoveryPoint> points = points();
        mark(points, 2, 8 << 20);
        // A difference reads both sides of what differs.
        assertThat(reads.get()).isLessThan(3L * nodes.size());
    }

    @Test
    void aNodeThatCantBeReadEndsIt() {
        List<RecoveryPoint> points = points();
        nodes.remove(points.get(20).disks().getFirst().image().root());
        assertThatThrownBy(() -> mark(points, 4, 8 << 20)).isInstanceOf(VaultException.class);
    }
}
