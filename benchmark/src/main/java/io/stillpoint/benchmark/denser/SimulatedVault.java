package io.stillpoint.benchmark.denser;

import io.stillpoint.platform.Sha256;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// What a vault would hold of one disk's days.
final class SimulatedVault implements AutoCloseable {
    private static final int NODE_HEADER = 16;
    private static final int ID = 32;
    private static final int FAN_OUT = 64;

    private final Way way;
    private final int chunk;
    private final Frames frames;
    private final DeltaCodec codec;
    private final MessageDigest sha256;
    private final Map<Long, Item> disk = new HashMap<>();
    private final Map<ByteBuffer, Item> items = new HashMap<>();
    private final byte[] after;
    private final byte[] before;
    private final byte[] encoded = new byte[History.CHUNK * 2];
    private final Cpu encoding = new Cpu();
    private Set<Frames.Frame> bases = new HashSet<>();
    private int day = -1;

    /// @param changedBytes of the chunks that differ from the day before
    /// @param newBytes of chunks that had to be stored
    /// @param stored bytes added, with directories, index and leaves
    /// @param nodes the part of it that leaves take
    /// @param deltas chunks not stored whole
    /// @param baseFrames frames that had to be read to compare with predecessors
    /// @param baseBytes of these, as stored
    record Day(
            long changedBytes,
            long newBytes,
            double stored,
            long nodes,
            int deltas,
            int baseFrames,
            long baseBytes,
            double cpu) {}

    /// @param frames read
    /// @param read bytes of these
    /// @param plain what they were decompressed to
    record Restore(int frames, long read, long plain, double cpu) {}

    SimulatedVault(Way way, Path work) throws IOException, GeneralSecurityException {
        this.way = way;
        chunk = way.chunk();
        frames = new Frames(work);
        codec = new DeltaCodec(way);
        sha256 = Sha256.digest();
        after = new byte[chunk];
        before = new byte[chunk];
    }

    Day add(History history, int number) throws IOException {
        day = number;
        bases = new HashSet<>();
        double cpu = encoding.seconds() + frames.compressing.seconds();
        Set<Long> leaves = new HashSet<>();
        Set<Item> added = new HashSet<>();
        long[] changed = new long[1];
        int pieces = History.CHUNK / chunk;
        history.day(
                number,
                (big, content) -> {
                    for (int i = 0; i < pieces; i++) {
                        long place = big * pieces + i;
                        Content piece =
                                new Content(content.file(), content.offset() + (long) i * chunk);
                        if (put(place, piece, added)) {
                            changed[0] += chunk;
                            leaves.add(place / FAN_OUT);
                        }
                    }
                });
        frames.finish();
        long nodes = 0;
        for (long leaf : leaves) {
            int present = 0;
            for (int i = 0; i < FAN_OUT; i++) {
                present += disk.containsKey(leaf * FAN_OUT + i) ? 1 : 0;
            }
            nodes += NODE_HEADER + (long) ID * present + Frames.ITEM;
        }
        return new Day(
                changed[0],
                (long) added.size() * chunk,
                added.stream().mapToDouble(Item::storedBytes).sum() + nodes,
                nodes,
                (int) added.stream().filter(item -> item.base != null).count(),
                bases.size(),
                bases.stream().mapToLong(frame -> frame.stored).sum(),
                encoding.seconds() + frames.compressing.seconds() - cpu);
    }

    /// Whether it changed.
    private boolean put(long place, Content content, Set<Item> added) throws IOException {
        content.read(after, chunk);
        Item old = disk.get(place);
        if (isZeros(after)) {
            leave(old);
            disk.remove(place);
            return old != null;
        }
        byte[] id = sha256.digest(after);
        if (old != null && Arrays.equals(old.id, id)) {
            return false;
        }
        leave(old);
        Item item = items.get(ByteBuffer.wrap(id));
        if (item == null) {
            item = store(id, content, old);
            items.put(ByteBuffer.wrap(id), item);
            added.add(item);
        }
        item.lastDay = Integer.MAX_VALUE;
        disk.put(place, item);
        return true;
    }

    /// The item may still be in other places of the disk: then [#settle] corrects this.
    private void leave(@Nullable Item old) {
        if (old != null) {
            old.lastDay = day - 1;
        }
    }

    private Item store(byte[] id, Content content, @Nullable Item old) throws IOException {
        if (old != null && way.depth() > 0) {
            // A difference must be read too, as it tells what it differs from.
            bases.add(old.frame);
            Item base = old.base != null && old.depth == way.depth() ? old.base : old;
            for (Item each = base; each != null; each = each.base) {
                bases.add(each.frame);
            }
            base.content.read(before, chunk);
            int length = encoding.spend(() -> codec.encode(before, after, base.id, encoded));
            if (length > 0) {
                return new Item(id, content, base, frames.add(encoded, length), length);
            }
        }
        return new Item(id, content, null, frames.add(after, chunk), chunk);
    }

    private static boolean isZeros(byte[] bytes) {
        for (byte b : bytes) {
            if (b != 0) {
                return false;
            }
        }
        return true;
    }

    /// Bytes that recovery points of the last days keep alive, if all else is freed to the byte; without leaves.
    double live(int days) {
        settle();
        Set<Item> live = new HashSet<>();
        for (Item item : items.values()) {
            if (item.lastDay > day - days) {
                reach(item, live);
            }
        }
        return live.stream().mapToDouble(Item::storedBytes).sum();
    }

    private void settle() {
        disk.values().forEach(item -> item.lastDay = Integer.MAX_VALUE);
    }

    private static void reach(Item item, Set<Item> live) {
        for (Item each = item; each != null; each = each.base) {
            live.add(each);
        }
    }

    /// Reads every chunk of the last day and compares it with the disk.
    Restore restore() throws IOException {
        Set<Item> needed = new HashSet<>();
        disk.values().forEach(item -> reach(item, needed));
        Map<Frames.Frame, Collection<Item>> byFrame = new HashMap<>();
        needed.forEach(item -> byFrame.computeIfAbsent(item.frame, _ -> new HashSet<>()).add(item));
        Map<Item, byte[]> bytes = new HashMap<>();
        long read = 0;
        long plain = 0;
        for (Map.Entry<Frames.Frame, Collection<Item>> each : byFrame.entrySet()) {
            byte[] all = frames.read(each.getKey());
            read += each.getKey().stored;
            plain += each.getKey().plain;
            for (Item item : each.getValue()) {
                bytes.put(item, Arrays.copyOfRange(all, item.at, item.at + item.length));
            }
        }
        Cpu applying = new Cpu();
        byte[] wanted = new byte[chunk];
        for (Item item : new HashSet<>(disk.values())) {
            byte[] got = applying.spend(() -> assemble(item, bytes));
            item.content.read(wanted, chunk);
            if (!Arrays.equals(got, wanted)) {
                throw new IllegalStateException(way.name() + " restored other bytes");
            }
        }
        return new Restore(
                byFrame.size(), read, plain, frames.decompressing.seconds() + applying.seconds());
    }

    private byte[] assemble(Item item, Map<Item, byte[]> bytes) {
        byte[] own = bytes.get(item);
        if (own == null) {
            throw new IllegalStateException("an item was not read");
        }
        if (item.base == null) {
            return own.clone();
        }
        byte[] result = assemble(item.base, bytes);
        codec.apply(result, own, 0, own.length);
        return result;
    }

    @Override
    public void close() throws IOException {
        codec.close();
        frames.close();
    }
}
