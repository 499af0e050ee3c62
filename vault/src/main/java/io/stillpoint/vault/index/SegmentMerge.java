package io.stillpoint.vault.index;

import io.stillpoint.vault.crypto.ItemId;
import io.stillpoint.vault.pack.Place;
import io.stillpoint.vault.store.ObjectId;
import java.nio.ByteBuffer;
import java.util.HashSet;
import java.util.List;
import java.util.PriorityQueue;
import java.util.Set;
import java.util.function.BiConsumer;

/// Reads several segments as one, in the order of ids. Holds one block per segment.
final class SegmentMerge {
    private final PriorityQueue<Cursor> cursors = new PriorityQueue<>();

    /// An item and one of its places.
    record Entry(ItemId id, Place place) {}

    SegmentMerge(List<Segment> segments) {
        for (Segment segment : segments) {
            Cursor cursor = new Cursor(segment);
            if (cursor.next()) {
                cursors.add(cursor);
            }
        }
    }

    /// Visits each item once, with all its places; the set is the visitor's only during the call.
    void forEach(BiConsumer<ItemId, Set<Place>> visitor) {
        Set<Place> places = new HashSet<>();
        while (!cursors.isEmpty()) {
            ItemId id = cursors.element().id;
            places.clear();
            while (!cursors.isEmpty() && cursors.element().id.equals(id)) {
                Cursor cursor = cursors.remove();
                places.add(cursor.place);
                if (cursor.next()) {
                    cursors.add(cursor);
                }
            }
            visitor.accept(id, places);
        }
    }

    private static final class Cursor implements Comparable<Cursor> {
        private final Segment segment;
        private final Segment.BlockBuffer buffer = new Segment.BlockBuffer();
        private int block = -1;
        private int left;
        private ItemId id = new ItemId(0, 0, 0, 0);
        private Place place = new Place(new ObjectId(0, 0), 0, 0, 0, 1);

        Cursor(Segment segment) {
            this.segment = segment;
        }

        boolean next() {
            if (left == 0) {
                if (++block >= segment.blocks()) {
                    return false;
                }
                segment.load(block, buffer);
                left = segment.entriesIn(block);
            }
            ByteBuffer plain = buffer.plain;
            plain.position((segment.entriesIn(block) - left) * Segment.ENTRY);
            id = ItemId.read(plain);
            place = segment.place(plain);
            left--;
            return true;
        }

        @Override
        public int compareTo(Cursor other) {
            return id.compareTo(other.id);
        }
    }
}
