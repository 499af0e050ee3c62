package io.stillpoint.vault.fuzz;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stillpoint.platform.Cancellation;
import io.stillpoint.platform.block.BlockTarget;
import io.stillpoint.vault.Vault;
import io.stillpoint.vault.VaultDisks;
import io.stillpoint.vault.crypto.ItemId;
import io.stillpoint.vault.crypto.KeyFile;
import io.stillpoint.vault.crypto.ObjectKind;
import io.stillpoint.vault.crypto.Passphrase;
import io.stillpoint.vault.crypto.SheetLines;
import io.stillpoint.vault.index.ItemIndex;
import io.stillpoint.vault.pack.FrameReader;
import io.stillpoint.vault.pack.PackFile;
import io.stillpoint.vault.point.DiskImage;
import io.stillpoint.vault.point.Losses;
import io.stillpoint.vault.prune.PruneRules;
import io.stillpoint.vault.record.DamagedFrames;
import io.stillpoint.vault.store.ObjectName;
import io.stillpoint.vault.store.VaultException;
import io.stillpoint.vault.store.VaultException.Kind;
import io.stillpoint.vault.tree.Node;
import io.stillpoint.vault.verify.Verification;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// What fuzzing and reading for it found: bytes that are sealed and summed as they must be, and say what can't be.
final class HostileHolderTest {
    private static final ItemId ITEM = new ItemId(1, 2, 3, 4);

    private final Forge forge = new Forge();
    private final MemoryStore store = forge.store();

    private static void requireDamage(ThrowingCallable call) {
        assertThatThrownBy(call)
                .isInstanceOfSatisfying(
                        VaultException.class, e -> assertThat(e.kind()).isEqualTo(Kind.DAMAGED));
    }

    private void requireDamagedDirectory(ObjectName name) {
        requireDamage(() -> {
            try (PackFile file = PackFile.open(store, forge.keys(), name.id());
                    FrameReader reader = new FrameReader()) {
                file.directory(reader);
            }
        });
    }

    /// A restore could write only one of them to a name.
    @Test
    void aPointWithTwoDisksOfOneNameIsDamaged() {
        String json = new String(FuzzTarget.POINT.seeds().getFirst(), StandardCharsets.ISO_8859_1);
        String disk = json.replaceAll(".*\"disks\":\\[(\\{.*?\\})\\].*", "$1");
        ObjectName name = Forge.name(ObjectKind.POINT, 9);
        store.objects()
                .put(
                        name,
                        forge.point(
                                name,
                                json.replace(disk, disk + "," + disk)
                                        .getBytes(StandardCharsets.ISO_8859_1)));
        try (Vault vault = forge.open(store)) {
            assertThat(vault.unreadablePoints()).containsOnlyKeys(name.id());
        }
    }

    /// No place could tell of such an item: it would be stored in the index as another one.
    @ParameterizedTest
    @ValueSource(ints = {0, 65_537, 0x7FFFFF})
    void aDirectoryWithItemsOfImpossibleLengthIsDamaged(int length) {
        ObjectName name = Forge.name(ObjectKind.DATA_PACK, 7);
        byte[] directory = Forge.group(32, 232, List.of(ITEM), List.of(length));
        store.objects()
                .put(
                        name,
                        forge.pack(ObjectKind.DATA_PACK, name, List.of(new byte[200]), directory));
        requireDamagedDirectory(name);
    }

    /// Even one that a holder of the key signed.
    @ParameterizedTest
    @CsvSource({"264, 2000000000, 1", "264, 67, -1", "264, 67, 100000"})
    void aPacksTrailerCantAskForMoreThanThereIs(int offset, int length, int frames) {
        ObjectName name = Forge.name(ObjectKind.DATA_PACK, 7);
        byte[] directory = Forge.group(32, 232, List.of(ITEM), List.of(200));
        byte[] pack = forge.pack(ObjectKind.DATA_PACK, name, List.of(new byte[200]), directory);
        byte[] numbers =
                ByteBuffer.allocate(12).putInt(offset).putInt(length).putInt(frames).array();
        byte[] trailer = forge.trailer(ObjectKind.DATA_PACK, name, pack.length - 32L, numbers);
        System.arraycopy(trailer, 0, pack, pack.length - 32, 32);
        store.objects().put(name, pack);
        requireDamagedDirectory(name);
    }

    @Test
    void aSegmentsTrailerCantAskForMoreThanThereIs() {
        ObjectName name = Forge.name(ObjectKind.INDEX, 7);
        byte[] segment = FuzzTarget.joined(Forge.header(ObjectKind.INDEX, name), new byte[4096]);
        byte[] numbers = ByteBuffer.allocate(20).putLong(0).putInt(1 << 26).array();
        byte[] trailer = forge.trailer(ObjectKind.INDEX, name, segment.length, numbers);
        store.objects().put(name, FuzzTarget.joined(segment, trailer));
        try (ItemIndex index =
                ItemIndex.open(store, forge.keys(), _ -> {}, Set::of, () -> DamagedFrames.NONE)) {
            assertThat(index.checkSegments()).hasSize(1);
        }
    }

    /// Neither has the length in a frame's header.
    @Test
    void aTableCantBeLongerThanAnyIs() {
        ObjectName name = Forge.name(ObjectKind.INDEX, 7);
        byte[] header = FuzzTarget.joined(Forge.header(ObjectKind.INDEX, name), new byte[4064]);
        byte[] frame = ByteBuffer.allocate(48).putInt(0xA000_0000).putInt(16).array();
        byte[] numbers = ByteBuffer.allocate(20).putLong(0).putInt(1).array();
        byte[] trailer =
                forge.trailer(
                        ObjectKind.INDEX, name, (3L << 30) + header.length + frame.length, numbers);
        byte[] segment = FuzzTarget.joined(FuzzTarget.joined(header, frame), trailer);
        store.objects().put(name, segment);
        store.stretch(name, 3L << 30);
        try (ItemIndex index =
                ItemIndex.open(store, forge.keys(), _ -> {}, Set::of, () -> DamagedFrames.NONE)) {
            assertThat(index.lookup().places(ITEM)).isEmpty();
        }
    }

    private ItemId leaf(int child) {
        Node leaf = new Node(0);
        leaf.setChild(child, ITEM);
        return forge.putNode(store, 100 + child, leaf.encode());
    }

    private static BlockTarget untouched(long size) {
        return new BlockTarget() {
            @Override
            public long size() {
                return size;
            }

            @Override
            public void write(long offset, byte[] from, int at, int length) {
                throw new IllegalStateException("written at " + offset);
            }

            @Override
            public void flush() {}

            @Override
            public void close() {}
        };
    }

    private static void restore(Vault vault, DiskImage image, Losses losses) {
        vault.restore(image, untouched(image.size()), new Cancellation(), _ -> {}, losses);
    }

    /// A few nodes can stand for more chunks than anybody can count one by one.
    @Test
    @Timeout(20)
    void aDiskWhoseTreeRepeatsOneChunkIsVerifiedInNoTime() {
        ItemId root = ITEM;
        for (int level = 0; level < 7; level++) {
            Node node = new Node(level);
            for (int i = 0; i < Node.FAN_OUT; i++) {
                node.setChild(i, root);
            }
            root = forge.putNode(store, 200 + level, node.encode());
        }
        ObjectName name = Forge.name(ObjectKind.POINT, 9);
        String json =
                new String(FuzzTarget.POINT.seeds().getFirst(), StandardCharsets.ISO_8859_1)
                        .replace("\"size\":1,", "\"size\":" + (1L << 58) + ",")
                        .replace(ITEM.toString(), root.toString());
        store.objects().put(name, forge.point(name, json.getBytes(StandardCharsets.ISO_8859_1)));
        try (Vault vault = forge.open(store)) {
            Verification found = vault.verify(new Cancellation(), _ -> {});
            assertThat(found.damagedPoints()).containsExactly(name.id());
            assertThat(found.problems())
                    .anyMatch(problem -> problem.toString().contains(Long.toString(1L << 42)));
        }
    }

    @Test
    void aTreeThatGoesOnBehindItsDisksEndIsDamaged() {
        DiskImage image = new DiskImage(3 * Forge.CHUNK, leaf(3));
        try (Vault vault = forge.open(store)) {
            requireDamage(() -> restore(vault, image, Losses.REFUSED));
            requireDamage(
                    () -> vault.difference(new DiskImage(image.size(), null), image, _ -> {}));
            requireDamage(() -> VaultDisks.of(vault, image).dataExtents().hasNext());
        }
    }

    @Test
    void anEmptyDiskHasNothingToLose() {
        DiskImage image = new DiskImage(0, ITEM);
        try (Vault vault = forge.open(store)) {
            restore(vault, image, Losses.REFUSED);
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {Long.MIN_VALUE, Long.MAX_VALUE})
    void aSessionOfEndlessPatienceIsPassedOverAndNamed(long patience) {
        ObjectName name = Forge.name(ObjectKind.SESSION, 7);
        String json =
                """
                {"point":"00000000000000000000000000000001","startedAt":"2026-01-01T00:00:00Z",\
                "renewedAt":"2026-01-01T00:00:00Z","patienceSeconds":%d,"bases":[],"known":[]}\
                """
                        .formatted(patience);
        store.objects()
                .put(
                        name,
                        forge.record(
                                ObjectKind.SESSION,
                                name,
                                json.getBytes(StandardCharsets.US_ASCII)));
        try (Vault vault = forge.open(store)) {
            assertThat(vault.prune(PruneRules.DEFAULT, new Cancellation()).warnings())
                    .anyMatch(warning -> warning.toString().contains(name.toString()));
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "\"size\":1|\"size\":9223372036854775807",
                "\"2026-01-01T00:00:00Z\"|\"+1000000000-12-31T23:59:59Z\"",
                "\"2026-01-01T00:00:00Z\"|\"-1000000000-01-01T00:00:00Z\""
            })
    void aPointOfImpossibleSizeOrTimeIsUnreadable(String change) {
        byte[] seed = FuzzTarget.POINT.seeds().getFirst();
        String[] parts = change.split("\\|", -1);
        String json = new String(seed, StandardCharsets.US_ASCII).replace(parts[0], parts[1]);
        ObjectName name = Forge.name(ObjectKind.POINT, 7);
        store.objects().put(name, forge.point(name, json.getBytes(StandardCharsets.US_ASCII)));
        try (Vault vault = forge.open(store)) {
            assertThat(vault.unreadablePoints()).containsOnlyKeys(name.id());
        }
    }

    /// The pattern of a line would try each way to share the blanks out.
    @Test
    void aLongLineIsNoneOfASheet() {
        List<String> lines = List.of("1" + " ".repeat(1 << 20) + "!");
        assertThatThrownBy(() -> SheetLines.parse(lines, "x"))
                .isInstanceOfSatisfying(
                        VaultException.class,
                        e -> assertThat(e.code()).isEqualTo("vault.sheet-incomplete"));
    }

    @Test
    void aFileWithoutEndIsNoKey() {
        Path endless = Path.of("/dev/zero");
        assertThatThrownBy(() -> KeyFile.read(endless)).isInstanceOf(VaultException.class);
        assertThatThrownBy(() -> Passphrase.read(endless)).isInstanceOf(VaultException.class);
    }
}
