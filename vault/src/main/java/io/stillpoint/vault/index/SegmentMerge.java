package io.stillpoint.vault.index;

import io.stillpoint.vault.crypto.ItemId;
import io.stillpoint.vault.pack.Place;
import io.stillpoint.vault.store.ObjectId;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.PriorityQueue;

/// Reads several segments as one, in the order of ids, each id once. Holds one block per segment.
final class SegmentMerge {
    private final PriorityQueue<Cursor> cursors = new PriorityQueue<>();

    SegmentMerge(List<Segment> segments) {
        for (Segment segment : segments) {
            Cursor cursor = new Cursor(segment);
            if (cursor.next()) {
                cursors.add(cursor);
            }
        }
    }

    void writeTo(SegmentWriter writer) {
        ItemId last = null;
        while (!cursors.isEmpty()) {
            Cursor cursor = cursors.remove();
            if (!cursor.id.equals(last)) {
                writer.add(cursor.id, cursor.place);
                last = cursor.id;
            }
            if (cursor.next()) {
                cursors.add(cursor);
            }
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
