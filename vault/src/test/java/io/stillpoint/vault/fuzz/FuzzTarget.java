package io.stillpoint.vault.fuzz;

import static io.stillpoint.vault.fuzz.Exercise.step;

import io.stillpoint.platform.Cancellation;
import io.stillpoint.platform.ProcessResources;
import io.stillpoint.platform.Threads;
import io.stillpoint.vault.Vault;
import io.stillpoint.vault.crypto.ItemHasher;
import io.stillpoint.vault.crypto.ItemId;
import io.stillpoint.vault.crypto.KeyFile;
import io.stillpoint.vault.crypto.KeySlot;
import io.stillpoint.vault.crypto.ObjectHeader;
import io.stillpoint.vault.crypto.ObjectKind;
import io.stillpoint.vault.crypto.SheetLines;
import io.stillpoint.vault.index.ItemIndex;
import io.stillpoint.vault.pack.FrameReader;
import io.stillpoint.vault.pack.PackFile;
import io.stillpoint.vault.pack.PackGroup;
import io.stillpoint.vault.record.DamagedFrames;
import io.stillpoint.vault.store.ObjectId;
import io.stillpoint.vault.store.ObjectName;
import io.stillpoint.vault.store.ObjectName.Area;
import io.stillpoint.vault.tree.Node;
import io.stillpoint.vault.verify.SealedVault;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.Set;

/// The parsers of a vault's bytes. Each target says what its input stands for; any bytes are an input.
enum FuzzTarget {
    /// A header, as it is and with its checksum put right.
    HEADER {
        @Override
        List<byte[]> seeds() {
            ObjectName name = Forge.name(ObjectKind.DATA_PACK, 7);
            return List.of(
                    Forge.header(ObjectKind.DATA_PACK, name),
                    FORGE.object(ObjectName.vault()),
                    new byte[0]);
        }

        @Override
        void run(byte[] input) {
            for (byte[] bytes : List.of(input, Forge.withHeaderSum(input))) {
                for (Area area : Area.values()) {
                    ObjectName name = new ObjectName(area, new ObjectId(0, 7));
                    step(() ->
                            Objects.requireNonNull(
                                    ObjectHeader.read(
                                            bytes, EnumSet.allOf(ObjectKind.class), name, "fuzz")));
                }
            }
        }
    },

    /// The object `vault`, as it is and signed.
    VAULT_HEADER {
        @Override
        List<byte[]> seeds() {
            return List.of(FORGE.object(ObjectName.vault()));
        }

        @Override
        void run(byte[] input) {
            byte[] signed = FORGE.signedHeader(Forge.withHeaderSum(input));
            for (byte[] bytes : List.of(input, signed)) {
                MemoryStore store = FORGE.store();
                store.objects().put(ObjectName.vault(), bytes);
                step(() -> {
                    try (Vault vault = FORGE.open(store)) {
                        Objects.requireNonNull(vault.points());
                        Objects.requireNonNull(vault.createdAt());
                    }
                });
            }
        }
    },

    /// A key slot, as it is and with its checksums put right.
    KEY_SLOT {
        @Override
        List<byte[]> seeds() {
            byte[] slot = FORGE.object(FORGE.names(Area.KEYS).getFirst());
            byte[] words = slot.clone();
            words[32] = 2;
            ByteBuffer.wrap(words).putInt(36, 64).putInt(40, 1).putInt(44, 1);
            return List.of(slot, words);
        }

        @Override
        void run(byte[] input) {
            ObjectName name = FORGE.names(Area.KEYS).getFirst();
            for (byte[] bytes : List.of(input, Forge.summed(Forge.withHeaderSum(input)))) {
                if (KeySlot.read(bytes, name, "fuzz") instanceof KeySlot.Read.Sound(KeySlot slot)) {
                    Objects.requireNonNull(slot.createdAt());
                    if (slot.type() == KeySlot.Type.KEY_FILE) {
                        Objects.requireNonNull(slot.open(FORGE.vaultId(), FORGE.key()));
                    }
                }
            }
        }
    },

    /// A key file.
    KEY_FILE {
        @Override
        List<byte[]> seeds() {
            return List.of(
                    ascii("stillpoint-key-1\n" + "00".repeat(32) + "\n8a9136aa\n"),
                    ascii("stillpoint-key-1\r\n" + "0F".repeat(32) + "\r\n00000000\r\n"));
        }

        @Override
        void run(byte[] input) {
            try {
                Path file = Files.createTempFile("stillpoint-fuzz", ".key");
                try {
                    Files.write(file, input);
                    step(() -> Objects.requireNonNull(KeyFile.read(file)));
                } finally {
                    Files.delete(file);
                }
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    },

    /// The text of a recovery sheet.
    RECOVERY_SHEET {
        @Override
        List<byte[]> seeds() {
            String lines = String.join("\n", SheetLines.of(FORGE.key()));
            return List.of(
                    ascii(lines),
                    ascii("Vault 1\n" + lines.replace(' ', '\t') + "\n"),
                    ascii("1" + " ".repeat(500) + "!"));
        }

        @Override
        void run(byte[] input) {
            List<String> lines =
                    Arrays.asList(new String(input, StandardCharsets.ISO_8859_1).split("\n", -1));
            step(() -> Objects.requireNonNull(SheetLines.parse(lines, "fuzz")));
        }
    },

    /// A frame: `place:u8 length:u32 plain:u32 method:u8 payload`, where the place and length are what an index says.
    FRAME {
        @Override
        List<byte[]> seeds() {
            List<byte[]> seeds = new ArrayList<>();
            for (ObjectName name : FORGE.names(Area.PACKS)) {
                byte[] pack = FORGE.object(name);
                ByteBuffer head = ByteBuffer.wrap(pack);
                int stored = head.getInt(32);
                ObjectKind kind = pack[8] == 'D' ? ObjectKind.DATA_PACK : ObjectKind.METADATA_PACK;
                byte[] payload =
                        FORGE.opened(
                                kind,
                                name,
                                32,
                                Arrays.copyOfRange(pack, 32, 44),
                                Arrays.copyOfRange(pack, 48, 48 + stored));
                ByteBuffer seed = ByteBuffer.allocate(10 + payload.length);
                seed.put((byte) 0).putInt(0).putInt(head.getInt(36)).put(pack[40]).put(payload);
                seeds.add(seed.array());
            }
            return seeds;
        }

        @Override
        void run(byte[] input) {
            Bytes bytes = new Bytes(input);
            int shift = bytes.u8();
            int delta = bytes.s32();
            int plain = bytes.s32();
            int method = bytes.u8();
            ObjectName name = Forge.name(ObjectKind.DATA_PACK, 7);
            byte[] frame = FORGE.frame(ObjectKind.DATA_PACK, name, 32, plain, method, bytes.rest());
            MemoryStore store = FORGE.store();
            ByteArrayOutputStream pack = new ByteArrayOutputStream();
            pack.writeBytes(Forge.header(ObjectKind.DATA_PACK, name));
            pack.writeBytes(frame);
            pack.writeBytes(FORGE.trailer(ObjectKind.DATA_PACK, name, 32 + frame.length, 0, 1));
            store.objects().put(name, pack.toByteArray());
            step(() -> {
                try (PackFile file = PackFile.open(store, FORGE.keys(), name.id());
                        FrameReader reader = new FrameReader()) {
                    int length = (frame.length + delta) & 0xFFFFFF;
                    int size = reader.readChecked(file, 32 + shift, length);
                    Objects.checkFromIndexSize(0, size, reader.plain().length);
                }
            });
        }
    },

    /// A pack of one frame: `kind:u8 own:u8 (offset:u32 length:u32 frames:u32)? directory`; if `own` is odd the trailer
    /// is the input's, else the right one.
    PACK {
        @Override
        List<byte[]> seeds() {
            List<byte[]> seeds = new ArrayList<>();
            ItemId id = new ItemId(1, 2, 3, 4);
            byte[] directory = Forge.group(32, 32 + CONTENT, List.of(id), List.of(CONTENT));
            for (int kind = 0; kind < 2; kind++) {
                seeds.add(joined(new byte[] {(byte) kind, 0}, directory));
                byte[] two =
                        Forge.group(
                                32,
                                32 + CONTENT,
                                List.of(id, new ItemId(5, 0, 0, 0)),
                                List.of(100, CONTENT - 100));
                seeds.add(joined(new byte[] {(byte) kind, 0}, two));
                byte[] difference = joined(directory, new byte[32]);
                difference[8 + 32] |= (byte) 0x80;
                seeds.add(joined(new byte[] {(byte) kind, 0}, difference));
                byte[] trailer =
                        FORGE.trailer(
                                ObjectKind.DATA_PACK,
                                Forge.name(ObjectKind.DATA_PACK, 7),
                                32 + 32 + CONTENT,
                                32 + directory.length,
                                1);
                seeds.add(
                        joined(
                                new byte[] {(byte) kind, 1},
                                joined(Arrays.copyOf(trailer, 12), directory)));
            }
            return seeds;
        }

        @Override
        void run(byte[] input) {
            Bytes bytes = new Bytes(input);
            ObjectKind kind = bytes.u8() % 2 == 0 ? ObjectKind.DATA_PACK : ObjectKind.METADATA_PACK;
            boolean ownTrailer = bytes.u8() % 2 == 1;
            byte[] trailer = ownTrailer ? bytes.take(12) : new byte[0];
            ObjectName name = Forge.name(kind, 7);
            byte[] pack = FORGE.pack(kind, name, List.of(new byte[CONTENT]), bytes.rest());
            if (trailer.length == 12) {
                byte[] end = FORGE.trailer(kind, name, pack.length - 32, trailer);
                System.arraycopy(end, 0, pack, pack.length - 32, 32);
            }
            MemoryStore store = FORGE.store();
            store.objects().keySet().removeIf(other -> other.area() == Area.INDEX);
            store.objects().put(name, pack);
            step(() -> read(store, name));
            step(() -> adopt(store));
            new Exercise(FORGE).run(store);
        }

        private static void read(MemoryStore store, ObjectName name) {
            try (PackFile file = PackFile.open(store, FORGE.keys(), name.id());
                    FrameReader reader = new FrameReader()) {
                for (PackGroup group : file.directory(reader)) {
                    group.forEachPlace(
                            file.id(),
                            (_, place) -> {
                                if (place.itemOffset() < 0
                                        || place.itemLength() < 1
                                        || place.itemLength() > Forge.CHUNK) {
                                    throw new IllegalStateException("believed " + place);
                                }
                            });
                }
            }
        }

        // As after a crash or a loss of the index: the directories become a segment, which must be
        // a sound one.
        private static void adopt(MemoryStore store) {
            try (ItemIndex index = index(store)) {
                index.adoptUnlisted();
                index.flush();
            }
            try (ItemIndex index = index(store)) {
                index.forEach((_, places) -> Objects.requireNonNull(places));
                if (!index.checkSegments().isEmpty()) {
                    throw new IllegalStateException("a segment of our own is damaged");
                }
            }
        }
    },

    /// The bytes of a node.
    NODE {
        @Override
        List<byte[]> seeds() {
            Node leaf = new Node(0);
            leaf.setChild(0, new ItemId(1, 2, 3, 4));
            leaf.setChild(63, new ItemId(1, 2, 3, 5));
            Node full = new Node(7);
            for (int i = 0; i < Node.FAN_OUT; i++) {
                full.setChild(i, new ItemId(i, 0, 0, 0));
            }
            return List.of(leaf.encode(), full.encode(), new Node(1).encode());
        }

        @Override
        void run(byte[] input) {
            Node node = Node.decode(input, 0, input.length);
            if (node != null
                    && !Arrays.equals(node.encode(), 8, input.length, input, 8, input.length)) {
                throw new IllegalStateException("decoded to another node");
            }
            byte[] shifted = joined(new byte[3], input);
            if ((node == null) != (Node.decode(shifted, 3, input.length) == null)) {
                throw new IllegalStateException("depends on where it lies");
            }
        }
    },

    /// A disk's tree: `size:u32 root` and more nodes `level:u8 present:u64`, whose children are the node made before,
    /// or the chunk 'a' below level 1.
    TREE {
        @Override
        List<byte[]> seeds() {
            byte[] leaf = node(0, 1);
            return List.of(
                    joined(number(65_536), leaf),
                    joined(number(100), node(0, 1L << 63)),
                    joined(number(70 * 65_536), joined(node(0, -1), node(1, 3))),
                    joined(number(1 << 25), joined(leaf, node(1, -1))),
                    joined(number(0), leaf));
        }

        @Override
        void run(byte[] input) {
            Bytes bytes = new Bytes(input);
            long size = Integer.toUnsignedLong(bytes.s32());
            MemoryStore store = FORGE.store();
            byte[] plain = new byte[Forge.CHUNK];
            Arrays.fill(plain, (byte) 'a');
            ItemId child = new ItemHasher(FORGE.keys()).chunk(plain, 0, plain.length);
            for (int i = 0; i < 8 && !bytes.isEmpty(); i++) {
                int level = bytes.u8() & 7;
                long present = bytes.s64();
                ByteBuffer node = ByteBuffer.allocate(16 + 32 * Long.bitCount(present));
                node.put((byte) level).position(8).putLong(present);
                while (node.hasRemaining()) {
                    child.write(node);
                }
                child = FORGE.putNode(store, 100 + i, node.array());
            }
            ObjectName name = Forge.name(ObjectKind.POINT, 9);
            String json = POINT_JSON.replace("\"size\":1", "\"size\":" + size);
            store.objects()
                    .put(name, FORGE.point(name, ascii(json.replace("ROOT", child.toString()))));
            new Exercise(FORGE).run(store);
        }

        private static byte[] number(int value) {
            return ByteBuffer.allocate(4).putInt(value).array();
        }

        private static byte[] node(int level, long present) {
            return ByteBuffer.allocate(9).put((byte) level).putLong(present).array();
        }
    },

    /// A segment: `entries:u64 packs:u32 blocks:u32 tables:u16 table[tables] block[4080]*`, sealed and summed.
    SEGMENT {
        @Override
        List<byte[]> seeds() {
            List<byte[]> seeds = new ArrayList<>();
            for (ObjectName name : FORGE.names(Area.INDEX)) {
                seeds.add(plain(name, FORGE.object(name)));
            }
            return seeds;
        }

        private static byte[] plain(ObjectName name, byte[] segment) {
            ByteBuffer trailer = ByteBuffer.wrap(segment, segment.length - 40, 40);
            long entries = trailer.getLong();
            int packs = trailer.getInt();
            int blocks = trailer.getInt();
            int at = 4096 * (1 + blocks);
            int stored = ByteBuffer.wrap(segment).getInt(at);
            int method = segment[at + 8];
            byte[] tables =
                    FORGE.opened(
                            ObjectKind.INDEX,
                            name,
                            at,
                            Arrays.copyOfRange(segment, at, at + 12),
                            Arrays.copyOfRange(segment, at + 16, at + 16 + stored));
            int length = ByteBuffer.wrap(segment).getInt(at + 4);
            byte[] table =
                    method == 1 ? com.github.luben.zstd.Zstd.decompress(tables, length) : tables;
            ByteBuffer seed = ByteBuffer.allocate(18 + table.length + 4080 * blocks);
            seed.putLong(entries).putInt(packs).putInt(blocks).putShort((short) table.length);
            seed.put(table);
            for (int i = 1; i <= blocks; i++) {
                seed.put(
                        FORGE.opened(
                                ObjectKind.INDEX,
                                name,
                                4096L * i,
                                new byte[0],
                                Arrays.copyOfRange(segment, 4096 * i, 4096 * (i + 1))));
            }
            return seed.array();
        }

        @Override
        void run(byte[] input) {
            Bytes bytes = new Bytes(input);
            long entries = bytes.s64();
            int packs = bytes.s32();
            int blocks = bytes.s32();
            byte[] tables = bytes.take(bytes.u16());
            ObjectName name = Forge.name(ObjectKind.INDEX, 3);
            ByteArrayOutputStream segment = new ByteArrayOutputStream();
            segment.writeBytes(Arrays.copyOf(Forge.header(ObjectKind.INDEX, name), 4096));
            List<ItemId> ids = new ArrayList<>(List.of(new ItemId(0, 0, 0, 0)));
            while (!bytes.isEmpty()) {
                byte[] block = Arrays.copyOf(bytes.take(4080), 4080);
                ids.add(ItemId.read(ByteBuffer.wrap(block)));
                ids.add(ItemId.read(ByteBuffer.wrap(block, 48, 32)));
                segment.writeBytes(FORGE.sealedBlock(name, segment.size(), block));
            }
            segment.writeBytes(
                    FORGE.frame(ObjectKind.INDEX, name, segment.size(), tables.length, 0, tables));
            byte[] all = segment.toByteArray();
            ByteBuffer trailer = ByteBuffer.allocate(20).putLong(entries);
            trailer.putInt(packs)
                    .putInt(blocks)
                    .putInt(
                            ByteBuffer.wrap(Forge.summed(joined(all, new byte[4])))
                                    .getInt(all.length));
            MemoryStore store = FORGE.store();
            store.objects().keySet().removeIf(other -> other.area() == Area.INDEX);
            store.objects()
                    .put(
                            name,
                            joined(
                                    all,
                                    FORGE.trailer(
                                            ObjectKind.INDEX, name, all.length, trailer.array())));
            step(() -> {
                try (ItemIndex index = index(store)) {
                    ItemIndex.Lookup lookup = index.lookup();
                    ids.forEach(id -> Objects.requireNonNull(lookup.places(id)));
                    step(() -> index.forEach((_, places) -> Objects.requireNonNull(places)));
                    Objects.requireNonNull(index.checkSegments());
                }
            });
            new Exercise(FORGE).run(store);
        }
    },

    /// The JSON of a recovery point.
    POINT {
        @Override
        List<byte[]> seeds() {
            String root = new ItemId(1, 2, 3, 4).toString();
            return List.of(ascii(POINT_JSON.replace("ROOT", root)), ascii("{}"), ascii("[]"));
        }

        @Override
        void run(byte[] input) {
            MemoryStore store = FORGE.store();
            ObjectName name = Forge.name(ObjectKind.POINT, 9);
            store.objects().put(name, FORGE.point(name, input));
            new Exercise(FORGE).run(store);
        }
    },

    /// A record: its kind, then its JSON.
    RECORD {
        private static final List<ObjectKind> KINDS =
                List.of(
                        ObjectKind.SESSION,
                        ObjectKind.FORGOTTEN_POINT,
                        ObjectKind.CONDEMNED_PACKS,
                        ObjectKind.EXECUTED_PACKS,
                        ObjectKind.QUARANTINED_FRAMES,
                        ObjectKind.REVOKED_POINT);

        @Override
        List<byte[]> seeds() {
            String id = FORGE.names(Area.PACKS).getFirst().id().toString();
            String instant = "\"2026-01-01T00:00:00Z\"";
            List<String> contents =
                    List.of(
                            "{\"point\":\"ID\",\"startedAt\":NOW,\"patienceSeconds\":86400,\"bases\":[],\"known\":[\"ID\"]}",
                            "{\"at\":NOW,\"purgeAt\":NOW}",
                            "{\"packs\":[\"ID\"]}",
                            "{\"packs\":[\"ID\"]}",
                            "{\"frames\":[{\"pack\":\"ID\",\"offset\":32}]}",
                            "{}");
            List<byte[]> seeds = new ArrayList<>();
            for (int i = 0; i < KINDS.size(); i++) {
                String content = contents.get(i).replace("ID", id).replace("NOW", instant);
                seeds.add(joined(new byte[] {(byte) i}, ascii(content)));
            }
            return seeds;
        }

        @Override
        void run(byte[] input) {
            Bytes bytes = new Bytes(input);
            ObjectKind kind = KINDS.get(bytes.u8() % KINDS.size());
            ObjectName name =
                    kind == ObjectKind.FORGOTTEN_POINT
                            ? new ObjectName(
                                    Area.FORGOTTEN, FORGE.names(Area.POINTS).getLast().id())
                            : Forge.name(kind, 9);
            MemoryStore store = FORGE.store();
            store.objects().put(name, FORGE.record(kind, name, bytes.rest()));
            new Exercise(FORGE).run(store);
            step(() -> {
                try (SealedVault vault =
                        SealedVault.open(
                                store,
                                ProcessResources.of(
                                        1,
                                        Runtime.getRuntime().maxMemory(),
                                        Threads.ofProcess()))) {
                    Objects.requireNonNull(vault.verify(new Cancellation(), _ -> {}));
                }
            });
        }
    },

    /// A whole vault of which one object is what the input says: `object:u8`, then patches `at:u16 byte:u8` of it, and
    /// if `object` is above 127 its length first, as `u16`.
    VAULT {
        @Override
        List<byte[]> seeds() {
            List<byte[]> seeds = new ArrayList<>();
            for (int object = 0; object < 16; object++) {
                seeds.add(new byte[] {(byte) object, 0, 40, 1});
                seeds.add(new byte[] {(byte) (object | 128), 0, 40});
            }
            return seeds;
        }

        @Override
        void run(byte[] input) {
            MemoryStore store = FORGE.store();
            List<ObjectName> names = new ArrayList<>();
            for (Area area : Area.values()) {
                names.addAll(FORGE.names(area));
            }
            Bytes bytes = new Bytes(input);
            int object = bytes.u8();
            ObjectName name = names.get((object & 127) % names.size());
            byte[] content = FORGE.object(name);
            if (object > 127) {
                content = Arrays.copyOf(content, bytes.u16());
            }
            while (!bytes.isEmpty() && content.length > 0) {
                content[bytes.u16() % content.length] ^= (byte) bytes.u8();
            }
            store.objects().put(name, content);
            new Exercise(FORGE).run(store);
        }
    };

    static final Forge FORGE = new Forge();

    private static final int CONTENT = 200;

    private static final String POINT_JSON =
            """
            {"vm":{"name":"vm","configuration":{"a":1}},"startedAt":"2026-01-01T00:00:00Z",\
            "snapshotAt":"2026-01-01T00:00:00Z","createdAt":"2026-01-01T00:00:00.123456789Z",\
            "consistency":"stopped","consistencyReason":"","frozenMillis":12,"disks":[{"name":"disk",\
            "size":1,"format":"raw","root":"ROOT","generation":"g","method":"full","reason":"x",\
            "changedBytes":1,"readBytes":2,"newBytes":3}],"storedBytes":4,"writer":"w",\
            "lockedUntil":"2026-01-01T00:00:00Z","copiedFrom":{"vault":"00000000000000000000000000000001",\
            "point":"00000000000000000000000000000002","had":["00000000000000000000000000000003"]},\
            "lineage":{"ordinal":7,"before":"00000000000000000000000000000004"}}\
            """;

    /// Inputs to begin with.
    abstract List<byte[]> seeds();

    /// Throws what is not to be thrown.
    abstract void run(byte[] input);

    /// As scripts and folders call it.
    String word() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    private static ItemIndex index(MemoryStore store) {
        return ItemIndex.open(
                store,
                FORGE.keys(),
                bytes -> Arrays.fill(bytes, (byte) 5),
                Set::of,
                () -> DamagedFrames.NONE);
    }

    static byte[] joined(byte[] first, byte[] second) {
        byte[] joined = Arrays.copyOf(first, first.length + second.length);
        System.arraycopy(second, 0, joined, first.length, second.length);
        return joined;
    }

    static byte[] ascii(String text) {
        return text.getBytes(StandardCharsets.ISO_8859_1);
    }
}
