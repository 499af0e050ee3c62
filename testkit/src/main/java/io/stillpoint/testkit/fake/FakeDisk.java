package io.stillpoint.testkit.fake;

import java.util.Arrays;
import java.util.BitSet;
import java.util.HashMap;
import java.util.Map;

/// A disk of a [FakeVm]: its bytes, and what records their changes. Guarded by the VM.
final class FakeDisk {
    /// The granularity of records and of copies before writes, in bytes; as QEMU's.
    static final int BLOCK = 65_536;

    final String name;
    final String format;
    private byte[] content;

    /// By lineage and generation: the blocks written since.
    private final Map<String, BitSet> records = new HashMap<>();

    FakeDisk(String name, String format, int size) {
        this.name = name;
        this.format = format;
        this.content = new byte[size];
    }

    int size() {
        return content.length;
    }

    int blocks() {
        return (content.length + BLOCK - 1) / BLOCK;
    }

    byte[] content() {
        return content.clone();
    }

    byte[] block(int number) {
        int from = number * BLOCK;
        return Arrays.copyOfRange(content, from, Math.min(content.length, from + BLOCK));
    }

    void write(int offset, byte[] bytes) {
        System.arraycopy(bytes, 0, content, offset, bytes.length);
    }

    /// Marks a block in all records.
    void note(int block) {
        records.values().forEach(record -> record.set(block));
    }

    /// Everything behind the end is lost; what is new reads as zeros and is in no record.
    void resize(int size) {
        content = Arrays.copyOf(content, size);
    }

    /// The last block counts as changed from the beginning, as in a real one.
    void begin(String lineage, String generation) {
        BitSet record = new BitSet();
        record.set(Math.max(0, blocks() - 1));
        records.put(key(lineage, generation), record);
    }

    boolean records(String lineage, String generation) {
        return records.containsKey(key(lineage, generation));
    }

    boolean recordsAny(String lineage) {
        return records.keySet().stream().anyMatch(key -> key.startsWith(lineage));
    }

    BitSet recorded(String lineage, String generation) {
        BitSet record = records.get(key(lineage, generation));
        return record == null ? new BitSet() : (BitSet) record.clone();
    }

    void end(String lineage, String generation) {
        records.remove(key(lineage, generation));
    }

    /// Ends all records of a lineage but one.
    void endOthers(String lineage, String kept) {
        records.keySet()
                .removeIf(key -> key.startsWith(lineage) && !key.equals(key(lineage, kept)));
    }

    void endAll() {
        records.clear();
    }

    private static String key(String lineage, String generation) {
        return lineage + "-" + generation;
    }
}
