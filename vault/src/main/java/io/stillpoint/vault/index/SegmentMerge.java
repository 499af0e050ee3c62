package io.stillpoint.vault.index;

import io.stillpoint.vault.crypto.ItemId;
import io.stillpoint.vault.crypto.Slice;
import io.stillpoint.vault.pack.Place;
import io.stillpoint.vault.store.ObjectId;
import io.stillpoint.vault.store.VaultException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/// Reads several segments as one, item by item, in the order of ids, and leaves out packs that are gone. Each segment is read
/// from one end to the other, some blocks at a time: all together hold at most 16 MiB of them, or a block of each. Holds the segments until it is closed.
final class SegmentMerge implements AutoCloseable {
    private static final int BUFFERS = 16 << 20;
    private static final int BUFFER_MAX = 1 << 20;
    private static final int GONE = -1;

    private final List<Segment> held;
    private final List<ObjectId> packs = new ArrayList<>();
    // A heap: the smallest id first.
    private final Cursor[] cursors;
    private int size;
    private @Nullable Segment failed;

    private ItemId id = new ItemId(0, 0, 0, 0);
    private int places;
    private int[] pack = new int[4];
    private int[] frameOffset = new int[4];
    private long[] lengths = new long[4];

    /// Begins, unless one of the segments has been retired: then returns null.
    ///
    /// @param gone packs to leave out
    static @Nullable SegmentMerge begin(List<Segment> segments, Predicate<ObjectId> gone) {
        List<Segment> held = new ArrayList<>();
        for (Segment segment : segments) {
            if (!segment.hold()) {
                held.forEach(Segment::release);
                return null;
            }
            held.add(segment);
        }
        return new SegmentMerge(held, gone);
    }

    private SegmentMerge(List<Segment> held, Predicate<ObjectId> gone) {
        this.held = held;
        Map<ObjectId, Integer> numbers = new HashMap<>();
        int buffer =
                Math.clamp(BUFFERS / Math.max(1, held.size()), Segment.BLOCK, BUFFER_MAX)
                        / Segment.BLOCK;
        cursors = new Cursor[held.size()];
        for (int i = 0; i < cursors.length; i++) {
            int[] renumbered =
                    held.get(i).packs().stream()
                            .mapToInt(listed -> gone.test(listed) ? GONE : number(listed, numbers))
                            .toArray();
            cursors[i] = new Cursor(held.get(i), renumbered, buffer);
        }
    }

    private int number(ObjectId listed, Map<ObjectId, Integer> numbers) {
        Integer known = numbers.putIfAbsent(listed, packs.size());
        if (known == null) {
            packs.add(listed);
            return packs.size() - 1;
        }
        return known;
    }

    /// The packs that the segments list, each once, but those that are gone.
    List<ObjectId> packs() {
        return packs;
    }

    /// The segment that could not be read, if one could not.
    @Nullable Segment failed() {
        return failed;
    }

    /// Adds everything that is left.
    void copyTo(SegmentWriter writer) {
        start();
        while (next()) {
            for (int i = 0; i < places; i++) {
                writer.add(id, pack[i], frameOffset[i], lengths[i]);
            }
        }
    }

    /// Visits everything that is left; each set is the visitor's only during the call.
    void forEach(ItemIndex.PlacesVisitor visitor) {
        start();
        Set<Place> several = new HashSet<>();
        while (next()) {
            if (places == 1) {
                visitor.item(id, Set.of(place(0)));
            } else {
                several.clear();
                for (int i = 0; i < places; i++) {
                    several.add(place(i));
                }
                visitor.item(id, several);
            }
        }
    }

    private Place place(int i) {
        return Segment.place(packs.get(pack[i]), frameOffset[i], lengths[i]);
    }

    private void start() {
        size = 0;
        for (Cursor cursor : cursors) {
            if (advance(cursor)) {
                cursors[size++] = cursor;
            }
        }
        for (int i = size / 2 - 1; i >= 0; i--) {
            sink(i);
        }
    }

    /// Goes on to the next item that has a place. Returns false at the end.
    private boolean next() {
        places = 0;
        while (size > 0 && places == 0) {
            id = cursors[0].id();
            do {
                cursors[0].copyPlace(this);
                if (!advance(cursors[0])) {
                    cursors[0] = cursors[--size];
                }
                sink(0);
            } while (size > 0 && cursors[0].is(id));
        }
        return places > 0;
    }

    private boolean advance(Cursor cursor) {
        try {
            return cursor.next();
        } catch (VaultException e) {
            failed = cursor.segment;
            throw e;
        }
    }

    private void sink(int from) {
        int at = from;
        Cursor moved = cursors[at];
        for (int child = 2 * at + 1; child < size; child = 2 * at + 1) {
            if (child + 1 < size && cursors[child + 1].isBefore(cursors[child])) {
                child++;
            }
            if (!cursors[child].isBefore(moved)) {
                break;
            }
            cursors[at] = cursors[child];
            at = child;
        }
        cursors[at] = moved;
    }

    /// Notes a place of the item, once.
    private void add(int inPack, int offset, long itsLengths) {
        for (int i = 0; i < places; i++) {
            if (pack[i] == inPack && frameOffset[i] == offset && lengths[i] == itsLengths) {
                return;
            }
        }
        if (places == pack.length) {
            pack = Arrays.copyOf(pack, 2 * places);
            frameOffset = Arrays.copyOf(frameOffset, 2 * places);
            lengths = Arrays.copyOf(lengths, 2 * places);
        }
        pack[places] = inPack;
        frameOffset[places] = offset;
        lengths[places] = itsLengths;
        places++;
    }

    @Override
    public void close() {
        held.forEach(Segment::release);
    }

    private static final class Cursor {
        private final Segment segment;
        private final int[] renumbered;
        private final Segment.BlockBuffer buffer = new Segment.BlockBuffer();
        private final ByteBuffer plain = buffer.plain;
        private final byte[] sealed;
        private final int blocksRead;
        private int block = -1;
        private int at;
        private int end;
        private long a;
        private long b;
        private long c;
        private long d;

        Cursor(Segment segment, int[] renumbered, int blocksRead) {
            this.segment = segment;
            this.renumbered = renumbered;
            this.blocksRead = Math.clamp(segment.blocks(), 1, blocksRead);
            sealed = new byte[this.blocksRead * Segment.BLOCK];
        }

        boolean next() {
            at += Segment.ENTRY;
            if (at >= end) {
                if (++block >= segment.blocks()) {
                    return false;
                }
                load();
            }
            ItemId before = id();
            a = plain.getLong(at);
            b = plain.getLong(at + 8);
            c = plain.getLong(at + 16);
            d = plain.getLong(at + 24);
            if (before.compareTo(id()) > 0) {
                throw segment.where().damaged("order of block " + block);
            }
            return true;
        }

        private void load() {
            int inBuffer = block % blocksRead;
            if (inBuffer == 0) {
                segment.readSealed(block, Math.min(blocksRead, segment.blocks() - block), sealed);
            }
            segment.open(block, new Slice(sealed, inBuffer * Segment.BLOCK, Segment.BLOCK), buffer);
            at = 0;
            end = segment.entriesIn(block) * Segment.ENTRY;
        }

        ItemId id() {
            return new ItemId(a, b, c, d);
        }

        boolean is(ItemId id) {
            return a == id.a() && b == id.b() && c == id.c() && d == id.d();
        }

        boolean isBefore(Cursor other) {
            // As good as always the first eight bytes differ.
            return a == other.a
                    ? id().compareTo(other.id()) < 0
                    : Long.compareUnsigned(a, other.a) < 0;
        }

        void copyPlace(SegmentMerge to) {
            int number = plain.getInt(at + ItemId.LENGTH);
            if (number < 0 || number >= renumbered.length) {
                throw segment.where().damaged("pack number");
            }
            if (renumbered[number] != GONE) {
                to.add(
                        renumbered[number],
                        plain.getInt(at + ItemId.LENGTH + 4),
                        plain.getLong(at + ItemId.LENGTH + 8));
            }
        }
    }
}
