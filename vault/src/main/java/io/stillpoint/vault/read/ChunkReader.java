package io.stillpoint.vault.read;

import io.stillpoint.vault.crypto.ItemHasher;
import io.stillpoint.vault.crypto.ItemId;
import io.stillpoint.vault.index.ItemIndex;
import io.stillpoint.vault.pack.DifferenceCodec;
import io.stillpoint.vault.pack.FrameCodec;
import io.stillpoint.vault.pack.FrameReader;
import io.stillpoint.vault.pack.PackFile;
import io.stillpoint.vault.pack.Place;
import io.stillpoint.vault.store.ObjectId;
import io.stillpoint.vault.store.ObjectName;
import io.stillpoint.vault.store.ObjectName.Area;
import io.stillpoint.vault.store.VaultException;
import io.stillpoint.vault.store.VaultException.Kind;
import io.stillpoint.vault.tree.TreeShape;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// Reads single chunks and keeps the frames read last, since chunks that follow each other on a disk mostly do so in a
/// frame. For one thread at a time.
public final class ChunkReader implements AutoCloseable {
    private static final int FRAMES = 4;

    /// What its buffers take at most in bytes.
    public static final long MEMORY = FrameReader.MEMORY + (FRAMES - 1L) * FrameCodec.PLAIN_MAX;

    private final Contents contents;
    private final ItemIndex.Lookup lookup;
    private final boolean onlyThere;
    private final ItemHasher hasher;
    private final FrameReader reader = new FrameReader();
    private final DifferenceCodec differences = new DifferenceCodec();
    private final byte[] soundBytes = new byte[TreeShape.CHUNK];
    private final byte[] baseBytes = new byte[TreeShape.CHUNK];
    // The one used last comes first.
    private final Deque<Frame> frames = new ArrayDeque<>();

    private static final class Frame {
        byte[] plain = new byte[0];
        @Nullable ObjectId pack;
        long offset;
        int length;

        boolean isOf(Place place) {
            return place.pack().equals(pack) && place.frameOffset() == offset;
        }
    }

    public ChunkReader(Contents contents) {
        this(contents, contents.index().lookup());
    }

    /// @param lookup which places may be read
    public ChunkReader(Contents contents, ItemIndex.Lookup lookup) {
        this(contents, lookup, false);
    }

    /// @param onlyThere whether what the lookup does not tell must not be looked for elsewhere
    public ChunkReader(Contents contents, ItemIndex.Lookup lookup, boolean onlyThere) {
        this.contents = contents;
        this.lookup = lookup;
        this.onlyThere = onlyThere;
        hasher = new ItemHasher(contents.keys());
    }

    /// Writes the 65,536 bytes of a chunk to `into`, from index `at` on. Throws kinds `DAMAGED`, `MISSING` if no place
    /// of it is sound.
    void read(ItemId id, byte[] into, int at) {
        Place place = lookup.find(id);
        if (place == null) {
            readElsewhere(id, null, into, at, missing(id));
            return;
        }
        try {
            read(id, place, into, at);
        } catch (VaultException e) {
            e.requireDamage();
            readElsewhere(id, place, into, at, e);
        }
    }

    private Set<Place> otherPlaces(ItemId id, @Nullable Place failed) {
        if (!onlyThere) {
            return contents.otherPlaces(id, failed);
        }
        Set<Place> places = lookup.places(id);
        if (failed != null) {
            places.remove(failed);
        }
        return places;
    }

    /// Whether the item can be read, whole and as its id says, where the lookup says that it is. Every byte is read.
    public boolean isSound(ItemId id, boolean isChunk) {
        for (Place place : lookup.places(id)) {
            try {
                if (isChunk) {
                    read(id, place, soundBytes, 0);
                    return true;
                }
                Frame frame = frame(place);
                int end = place.itemOffset() + place.itemLength();
                if (end <= frame.length
                        && hasher.node(frame.plain, place.itemOffset(), place.itemLength())
                                .equals(id)) {
                    return true;
                }
            } catch (VaultException e) {
                // That is the answer: not there.
                e.requireDamage();
            }
        }
        return false;
    }

    /// As [#isSound], but a chunk that stands only as a difference from another does not count.
    public boolean isSoundWhole(ItemId id) {
        try {
            readWhole(id, soundBytes);
            return true;
        } catch (VaultException e) {
            e.requireDamage();
            return false;
        }
    }

    private VaultException missing(ItemId id) {
        return new VaultException(
                Kind.MISSING, "vault.chunk-missing", null, contents.store().description(), id);
    }

    private void readElsewhere(
            ItemId id, @Nullable Place failed, byte[] into, int at, VaultException first) {
        for (Place place : otherPlaces(id, failed)) {
            try {
                read(id, place, into, at);
                return;
            } catch (VaultException e) {
                e.requireDamage();
                first.addSuppressed(e);
            }
        }
        throw first;
    }

    private void read(ItemId id, Place place, byte[] into, int at) {
        Frame frame = frame(place);
        int from = place.itemOffset();
        int length = place.itemLength();
        if (from + length > frame.length) {
            throw damaged(id, place);
        }
        if (length == TreeShape.CHUNK) {
            System.arraycopy(frame.plain, from, into, at, length);
        } else if (!apply(frame.plain, from, length, into, at)) {
            throw damaged(id, place);
        }
        if (!hasher.chunk(into, at, TreeShape.CHUNK).equals(id)) {
            throw damaged(id, place);
        }
    }

    /// Makes a chunk of a difference, without checking its id. Returns false if the bytes are none. Throws kinds
    /// `DAMAGED`, `MISSING` if its base can't be read.
    public boolean apply(byte[] from, int fromAt, int length, byte[] into, int at) {
        if (length <= ItemId.LENGTH) {
            return false;
        }
        ItemId base = DifferenceCodec.base(from, fromAt);
        // Reading the base may take the frame's buffer.
        byte[] difference = Arrays.copyOfRange(from, fromAt, fromAt + length);
        readWhole(base, baseBytes);
        return differences.apply(difference, baseBytes, into, at);
    }

    /// What another chunk can be made a difference from: this chunk, or what it is a difference from itself.
    ///
    /// @param bytes valid until the reader is used again
    public record Base(ItemId id, byte[] bytes) {}

    /// Null if there is none that is sound.
    public @Nullable Base base(ItemId id) {
        try {
            if (lookup.findWhole(id) != null) {
                readWhole(id, baseBytes);
                return new Base(id, baseBytes);
            }
            Place place = lookup.findIndexed(id);
            if (place == null) {
                return null;
            }
            Frame frame = frame(place);
            if (place.itemOffset() + place.itemLength() > frame.length) {
                return null;
            }
            ItemId base = DifferenceCodec.base(frame.plain, place.itemOffset());
            readWhole(base, baseBytes);
            return new Base(base, baseBytes);
        } catch (VaultException e) {
            e.requireDamage();
            return null;
        }
    }

    /// Whether the chunk stands somewhere as a difference from just this other one.
    public boolean isDifference(ItemId id, ItemId base) {
        Place place = lookup.findIndexed(id);
        if (place == null || place.itemLength() == TreeShape.CHUNK) {
            return false;
        }
        try {
            Frame frame = frame(place);
            return place.itemLength() > ItemId.LENGTH
                    && place.itemOffset() + place.itemLength() <= frame.length
                    && DifferenceCodec.base(frame.plain, place.itemOffset()).equals(base);
        } catch (VaultException e) {
            e.requireDamage();
            return false;
        }
    }

    private void readWhole(ItemId id, byte[] into) {
        Place place = lookup.findWhole(id);
        VaultException first = null;
        if (place != null) {
            try {
                read(id, place, into, 0);
                return;
            } catch (VaultException e) {
                e.requireDamage();
                first = e;
            }
        }
        for (Place other : otherPlaces(id, place)) {
            if (other.itemLength() == TreeShape.CHUNK) {
                try {
                    read(id, other, into, 0);
                    return;
                } catch (VaultException e) {
                    e.requireDamage();
                    first = e;
                }
            }
        }
        throw first != null
                ? first
                : new VaultException(
                        Kind.MISSING, "vault.chunk-missing", null, contents.location(), id);
    }

    private VaultException damaged(ItemId id, Place place) {
        return new VaultException(
                Kind.DAMAGED,
                "vault.item-damaged",
                null,
                contents.store().description(),
                new ObjectName(Area.PACKS, place.pack()),
                id);
    }

    private Frame frame(Place place) {
        Frame found = null;
        for (Frame frame : frames) {
            if (frame.isOf(place)) {
                found = frame;
                break;
            }
        }
        if (found == null) {
            found = frames.size() < FRAMES ? new Frame() : frames.removeLast();
            load(found, place);
        } else {
            frames.remove(found);
        }
        frames.addFirst(found);
        return found;
    }

    private void load(Frame frame, Place place) {
        frame.pack = null;
        reader.lend(frame.plain);
        PackFile pack = contents.packs().acquire(place.pack());
        try {
            // A pack that is open can be read although it was deleted.
            if (onlyThere && !contents.store().exists(new ObjectName(Area.PACKS, place.pack()))) {
                throw new VaultException(
                        Kind.MISSING,
                        "vault.missing",
                        null,
                        new ObjectName(Area.PACKS, place.pack()));
            }
            frame.length = reader.read(pack, place.frameOffset(), place.frameLength());
            frame.plain = reader.plain();
            frame.pack = place.pack();
            frame.offset = place.frameOffset();
        } finally {
            contents.packs().release(pack);
        }
    }

    @Override
    public void close() {
        reader.close();
        differences.close();
    }
}
