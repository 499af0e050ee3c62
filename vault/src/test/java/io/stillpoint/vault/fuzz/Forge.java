package io.stillpoint.vault.fuzz;

import io.stillpoint.platform.Cancellation;
import io.stillpoint.platform.Json;
import io.stillpoint.platform.ProcessResources;
import io.stillpoint.platform.Randomness;
import io.stillpoint.platform.Threads;
import io.stillpoint.platform.block.BlockSource;
import io.stillpoint.platform.block.Extent;
import io.stillpoint.vault.Vault;
import io.stillpoint.vault.crypto.Checksum;
import io.stillpoint.vault.crypto.ItemHasher;
import io.stillpoint.vault.crypto.ItemId;
import io.stillpoint.vault.crypto.KeyFile;
import io.stillpoint.vault.crypto.ObjectHeader;
import io.stillpoint.vault.crypto.ObjectKind;
import io.stillpoint.vault.crypto.Sealer;
import io.stillpoint.vault.crypto.Slice;
import io.stillpoint.vault.crypto.VaultKeys;
import io.stillpoint.vault.point.Consistency;
import io.stillpoint.vault.point.PointDisk;
import io.stillpoint.vault.point.PointDraft;
import io.stillpoint.vault.point.RecoveryPoint;
import io.stillpoint.vault.session.BackupSession;
import io.stillpoint.vault.session.DiskInput;
import io.stillpoint.vault.session.Scan;
import io.stillpoint.vault.session.StoredDisk;
import io.stillpoint.vault.session.VaultSettings;
import io.stillpoint.vault.store.ObjectId;
import io.stillpoint.vault.store.ObjectName;
import io.stillpoint.vault.store.ObjectName.Area;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Random;
import javax.crypto.Mac;
import javax.crypto.SecretKey;

/// A small vault with a bit of everything, and the key to it: what it signs and seals, readers believe.
final class Forge {
    static final int CHUNK = 65_536;
    private static final Instant NOW = Instant.parse("2026-06-01T00:00:00Z");

    private final Random random = new Random(1);
    private final KeyFile key = new KeyFile(new byte[32]);
    private final Map<ObjectName, byte[]> objects;
    private final ObjectId vaultId;
    private final VaultKeys keys;
    private Instant clock = NOW;

    Forge() {
        MemoryStore store = new MemoryStore(Map.of());
        List<byte[]> drawn = new ArrayList<>();
        Randomness recorded =
                bytes -> {
                    random.nextBytes(bytes);
                    drawn.add(bytes.clone());
                };
        try (Vault vault =
                Vault.init(
                        store,
                        key,
                        new Vault.Surroundings(
                                recorded,
                                () -> clock,
                                ProcessResources.of(
                                        1,
                                        Runtime.getRuntime().maxMemory(),
                                        Threads.ofProcess())))) {
            vaultId = vault.id();
            // The first 32 bytes that a new vault draws are its master key.
            byte[] master =
                    drawn.stream().filter(bytes -> bytes.length == 32).findFirst().orElseThrow();
            keys = new VaultKeys(vaultId, master);
            byte[] disk = new byte[70 * CHUNK + 77];
            for (int chunk : new int[] {0, 1, 2, 5, 64, 70}) {
                Arrays.fill(
                        disk,
                        chunk * CHUNK,
                        Math.min(disk.length, (chunk + 1) * CHUNK),
                        (byte) ('a' + chunk));
            }
            RecoveryPoint first = backup(vault, disk, new Scan.Everything(Optional.empty()));
            Arrays.fill(disk, CHUNK + 100, CHUNK + 200, (byte) 'x');
            List<Extent> changed = List.of(new Extent(CHUNK, CHUNK));
            backup(
                    vault,
                    disk,
                    new Scan.Changed(first.disks().getFirst().image(), changed::iterator));
            vault.forget(first, Duration.ofDays(1));
        }
        objects = Map.copyOf(store.objects());
    }

    private RecoveryPoint backup(Vault vault, byte[] disk, Scan scan) {
        clock = clock.plusSeconds(60);
        try (BackupSession session =
                vault.backup(Optional.empty(), new Cancellation(), (_, _) -> {})) {
            DiskInput input = new DiskInput("disk", new MemorySource(disk), scan);
            StoredDisk stored = session.store(List.of(input)).getFirst();
            PointDisk made =
                    new PointDisk(
                            "disk",
                            stored.image(),
                            "raw",
                            Optional.empty(),
                            PointDisk.Method.FULL,
                            "",
                            stored.changedBytes(),
                            stored.readBytes(),
                            stored.newBytes());
            return session.commit(
                    new PointDraft(
                            "vm",
                            Json.object(),
                            clock,
                            clock,
                            Consistency.STOPPED,
                            "",
                            OptionalLong.empty(),
                            List.of(made),
                            "fuzz",
                            Optional.empty(),
                            Optional.empty()));
        }
    }

    private record MemorySource(byte[] content) implements BlockSource {
        @Override
        public long size() {
            return content.length;
        }

        @Override
        public Iterator<Extent> dataExtents() {
            return List.of(new Extent(0, content.length)).iterator();
        }

        @Override
        public void read(long offset, byte[] into, int at, int length) {
            System.arraycopy(content, (int) offset, into, at, length);
        }

        @Override
        public void close() {}
    }

    /// A store with the vault as it was made.
    MemoryStore store() {
        return new MemoryStore(objects);
    }

    Vault open(MemoryStore store) {
        VaultSettings usual = VaultSettings.DEFAULT;
        VaultSettings single =
                new VaultSettings(
                        usual.frame(),
                        usual.differences(),
                        usual.dataPack(),
                        usual.metadataPack(),
                        usual.patience());
        return Vault.open(
                store,
                key,
                new Vault.Surroundings(
                        new Random(2)::nextBytes,
                        () -> NOW.plusSeconds(86_400),
                        ProcessResources.of(
                                1, Runtime.getRuntime().maxMemory(), Threads.ofProcess()),
                        single));
    }

    KeyFile key() {
        return key;
    }

    ObjectId vaultId() {
        return vaultId;
    }

    VaultKeys keys() {
        return keys;
    }

    /// The objects of an area, always in the same order.
    List<ObjectName> names(Area area) {
        return objects.keySet().stream()
                .filter(name -> name.area() == area)
                .sorted((a, b) -> a.id().compareTo(b.id()))
                .toList();
    }

    byte[] object(ObjectName name) {
        return Objects.requireNonNull(objects.get(name)).clone();
    }

    static ObjectName name(ObjectKind kind, long number) {
        return new ObjectName(kind.area(), new ObjectId(0, number));
    }

    static byte[] header(ObjectKind kind, ObjectName name) {
        return new ObjectHeader(kind, name.id()).bytes();
    }

    private SecretKey key(ObjectKind kind, ObjectName name) {
        return keys.objectKey(kind, name.id());
    }

    /// A frame with any payload under any header: plain length and method as given, checksum and tag right.
    byte[] frame(
            ObjectKind kind, ObjectName name, long offset, int plain, int method, byte[] payload) {
        byte[] frame = new byte[16 + payload.length + Sealer.TAG];
        ByteBuffer header = ByteBuffer.wrap(frame);
        header.putInt(payload.length + Sealer.TAG).putInt(plain).putInt(method << 24);
        new Sealer()
                .seal(
                        key(kind, name),
                        offset,
                        new Slice(frame, 0, 12),
                        Slice.of(payload),
                        new Slice(frame, 16, payload.length + Sealer.TAG));
        header.putInt(
                Checksum.of(
                        new Slice(frame, 0, 12),
                        new Slice(frame, 16, payload.length + Sealer.TAG)));
        return frame;
    }

    /// A pack of frames that hold these bytes as they are, with any directory.
    byte[] pack(ObjectKind kind, ObjectName name, List<byte[]> frames, byte[] directory) {
        ByteArrayOutputStream pack = new ByteArrayOutputStream();
        pack.writeBytes(header(kind, name));
        for (byte[] plain : frames) {
            pack.writeBytes(frame(kind, name, pack.size(), plain.length, 0, plain));
        }
        int at = pack.size();
        byte[] last = frame(kind, name, at, directory.length, 0, directory);
        pack.writeBytes(last);
        pack.writeBytes(trailer(kind, name, at, last.length, frames.size()));
        return pack.toByteArray();
    }

    byte[] trailer(ObjectKind kind, ObjectName name, int at, int length, int frames) {
        byte[] numbers = ByteBuffer.allocate(12).putInt(at).putInt(length).putInt(frames).array();
        return trailer(kind, name, at + (long) length, numbers);
    }

    /// What the trailer at `offset` says, signed and summed.
    byte[] trailer(ObjectKind kind, ObjectName name, long offset, byte[] numbers) {
        byte[] trailer = Arrays.copyOf(numbers, numbers.length + Sealer.TAG + 4);
        new Sealer()
                .sign(
                        keys.objectKey(kind, name.id()),
                        offset,
                        FuzzTarget.joined(header(kind, name), numbers),
                        trailer,
                        numbers.length);
        return summed(trailer);
    }

    /// The directory's line of a frame with these items.
    static byte[] group(int offset, int frameLength, List<ItemId> ids, List<Integer> lengths) {
        ByteBuffer group = ByteBuffer.allocate(8 + 35 * ids.size());
        group.putInt(offset).putInt(frameLength << 8 | ids.size());
        for (int i = 0; i < ids.size(); i++) {
            ids.get(i).write(group);
            int length = lengths.get(i);
            group.put((byte) (length >> 16)).putShort((short) length);
        }
        return group.array();
    }

    /// Puts a pack with one metadata frame of one node into the store, and returns the node's id.
    ItemId putNode(MemoryStore store, long number, byte[] node) {
        ObjectName name = name(ObjectKind.METADATA_PACK, number);
        ItemId id = new ItemHasher(keys).node(node, 0, node.length);
        byte[] directory =
                group(32, 32 + node.length, List.of(id), List.of(Math.min(node.length, 65_536)));
        store.objects().put(name, pack(ObjectKind.METADATA_PACK, name, List.of(node), directory));
        return id;
    }

    byte[] sealedBlock(ObjectName name, long offset, byte[] plain) {
        byte[] sealed = new byte[plain.length + Sealer.TAG];
        new Sealer()
                .seal(
                        key(ObjectKind.INDEX, name),
                        offset,
                        Slice.NONE,
                        Slice.of(plain),
                        Slice.of(sealed));
        return sealed;
    }

    /// The plain bytes of what was sealed at this place.
    byte[] opened(ObjectKind kind, ObjectName name, long offset, byte[] aad, byte[] sealed) {
        byte[] plain = new byte[sealed.length - Sealer.TAG];
        boolean isSound =
                new Sealer()
                        .open(
                                key(kind, name),
                                offset,
                                Slice.of(aad),
                                Slice.of(sealed),
                                Slice.of(plain));
        if (!isSound) {
            throw new IllegalStateException("not sealed so: " + name);
        }
        return plain;
    }

    byte[] point(ObjectName name, byte[] json) {
        byte[] header = header(ObjectKind.POINT, name);
        ByteBuffer point = ByteBuffer.allocate(36 + json.length + Sealer.TAG + 4);
        point.put(header).putInt(json.length + Sealer.TAG);
        new Sealer()
                .seal(
                        key(ObjectKind.POINT, name),
                        32,
                        new Slice(header, 0, 32),
                        Slice.of(json),
                        new Slice(point.array(), 36, json.length + Sealer.TAG));
        return summed(point.array());
    }

    byte[] record(ObjectKind kind, ObjectName name, byte[] json) {
        ByteBuffer record = ByteBuffer.allocate(36 + json.length + 36);
        record.put(header(kind, name)).putInt(json.length).put(json);
        record.put(mac(keys.recordKey(), record.array(), record.position()));
        return summed(record.array());
    }

    /// The object `vault` with right signature and checksum, if it is long enough for them.
    byte[] signedHeader(byte[] bytes) {
        byte[] signed = bytes.clone();
        if (signed.length >= 84) {
            System.arraycopy(mac(keys.headerKey(), signed, 48), 0, signed, 48, 32);
        }
        return summed(signed);
    }

    private static byte[] mac(SecretKey key, byte[] bytes, int length) {
        Mac mac = ItemHasher.mac(key);
        mac.update(bytes, 0, length);
        return mac.doFinal();
    }

    /// The bytes with the checksum of all before as their last four.
    static byte[] summed(byte[] bytes) {
        byte[] summed = bytes.clone();
        if (summed.length >= 4) {
            int at = summed.length - 4;
            ByteBuffer.wrap(summed).putInt(at, Checksum.of(summed, 0, at));
        }
        return summed;
    }

    /// The bytes with the right checksum in an object's header.
    static byte[] withHeaderSum(byte[] bytes) {
        byte[] summed = bytes.clone();
        if (summed.length >= 32) {
            ByteBuffer.wrap(summed).putInt(28, Checksum.of(summed, 0, 28));
        }
        return summed;
    }
}
