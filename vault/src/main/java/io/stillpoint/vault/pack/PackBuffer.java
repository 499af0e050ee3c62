package io.stillpoint.vault.pack;

import io.stillpoint.vault.crypto.Checksum;
import io.stillpoint.vault.crypto.ObjectHeader;
import io.stillpoint.vault.crypto.ObjectKind;
import io.stillpoint.vault.crypto.Sealer;
import io.stillpoint.vault.crypto.VaultKeys;
import io.stillpoint.vault.store.ObjectId;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import javax.crypto.SecretKey;

/// A pack being filled in memory. Guarded by its writer's lock, but for the bytes of a slot, which belong to
/// the thread that reserved it until it completes the slot.
final class PackBuffer {
    /// Length of the trailer in bytes.
    static final int TRAILER = 12 + Sealer.TAG + Integer.BYTES;

    private final ObjectId id;
    private final SecretKey key;
    private final byte[] bytes;
    private final int capacity;
    private final List<PackGroup> groups = new ArrayList<>();
    private int used;
    private int pending;
    private int items;
    private boolean closed;

    /// A place for one frame.
    ///
    /// @param offset where the frame begins
    record Slot(PackBuffer pack, int offset) {}

    PackBuffer(ObjectKind kind, ObjectId id, VaultKeys keys, byte[] bytes, int capacity) {
        this.id = id;
        this.key = keys.objectKey(kind, id);
        this.bytes = bytes;
        this.capacity = capacity;
        System.arraycopy(new ObjectHeader(kind, id).bytes(), 0, bytes, 0, ObjectHeader.LENGTH);
        used = ObjectHeader.LENGTH;
    }

    boolean hasRoom(int length) {
        return capacity - used >= length;
    }

    Slot reserve(int length) {
        Slot slot = new Slot(this, used);
        used += length;
        pending++;
        return slot;
    }

    void complete(PackGroup group) {
        groups.add(group);
        items += group.ids().length;
        pending--;
    }

    /// No more slots will be reserved.
    void close() {
        closed = true;
    }

    boolean isComplete() {
        return closed && pending == 0;
    }

    ObjectId id() {
        return id;
    }

    SecretKey key() {
        return key;
    }

    byte[] bytes() {
        return bytes;
    }

    int used() {
        return used;
    }

    int items() {
        return items;
    }

    /// What stands in the pack, by offset once [#tail] was called.
    List<PackGroup> groups() {
        return groups;
    }

    /// What a trailer's tag authenticates: the object's header, and the trailer's numbers.
    static byte[] signed(byte[] header, byte[] trailer, int at) {
        byte[] signed = Arrays.copyOf(header, ObjectHeader.LENGTH + 3 * Integer.BYTES);
        System.arraycopy(trailer, at, signed, ObjectHeader.LENGTH, 3 * Integer.BYTES);
        return signed;
    }

    /// Directory and trailer.
    byte[] tail(FrameCodec codec) {
        groups.sort(Comparator.comparingLong(PackGroup::frameOffset));
        byte[] plain = PackGroup.encode(groups);
        byte[] directory = codec.frame(key, used, plain, plain.length);
        ByteBuffer tail = ByteBuffer.allocate(directory.length + TRAILER);
        tail.put(directory).putInt(used).putInt(directory.length).putInt(groups.size());
        new Sealer()
                .sign(
                        key,
                        (long) used + directory.length,
                        signed(bytes, tail.array(), directory.length),
                        tail.array(),
                        tail.position());
        tail.position(tail.position() + Sealer.TAG);
        tail.putInt(Checksum.of(tail.array(), directory.length, TRAILER - Integer.BYTES));
        return tail.array();
    }
}
