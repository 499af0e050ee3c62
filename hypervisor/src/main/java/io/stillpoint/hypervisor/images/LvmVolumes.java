package io.stillpoint.hypervisor.images;

import io.stillpoint.platform.block.BlockSource;
import io.stillpoint.platform.block.Extent;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

/// The logical volumes of an LVM group that lies on one physical volume and has linear volumes only, as installers make
/// it (LVM2, lib/format_text/layout.h). Of any other group nothing is told.
final class LvmVolumes {
    private static final int SECTOR = 512;
    private static final int METADATA_MAX = 4 << 20;
    private static final int METADATA_HEADER = 512;
    private static final int VOLUMES_MAX = 1000;
    private static final int SEGMENTS_MAX = 10_000;

    private LvmVolumes() {}

    record Volume(String name, BlockSource source) {}

    static Optional<List<Volume>> of(Region physical) {
        try {
            Optional<String> text = text(physical);
            return text.isEmpty() ? Optional.empty() : volumes(LvmText.parse(text.get()), physical);
        } catch (LvmText.Malformed e) {
            return Optional.empty();
        }
    }

    private static Optional<String> text(Region at) {
        long label = -1;
        for (int sector = 0; sector < 4 && label < 0; sector++) {
            label = at.has((long) sector * SECTOR, "LABELONE") ? (long) sector * SECTOR : -1;
        }
        if (label < 0) {
            return Optional.empty();
        }
        // Two lists of (offset, length), each ended by zeros: data areas, metadata areas.
        long entry = label + at.u32(label + 20) + 40;
        while (at.u64(entry) != 0 && entry < label + SECTOR) {
            entry += 16;
        }
        long area = at.u64(entry + 16);
        long areaBytes = at.u64(entry + 24);
        if (area <= 0 || !at.contains(area, areaBytes) || !at.has(area + 4, " LVM2 x[5A%r0N*>")) {
            return Optional.empty();
        }
        long offset = at.u64(area + 40);
        long bytes = at.u64(area + 48);
        boolean isSane =
                offset >= METADATA_HEADER
                        && offset < areaBytes
                        && bytes > 0
                        && bytes <= Math.min(METADATA_MAX, areaBytes - METADATA_HEADER);
        if (!isSane) {
            return Optional.empty();
        }
        // It goes round in the area.
        int first = (int) Math.min(bytes, areaBytes - offset);
        byte[] text = Arrays.copyOf(at.bytes(area + offset, first), (int) bytes);
        byte[] rest = at.bytes(area + METADATA_HEADER, (int) bytes - first);
        System.arraycopy(rest, 0, text, first, rest.length);
        return Optional.of(new String(text, StandardCharsets.UTF_8));
    }

    private static Optional<List<Volume>> volumes(Map<String, Object> all, Region physical) {
        Map<String, Object> group = null;
        for (Object value : all.values()) {
            if (value instanceof Map<?, ?>) {
                group = LvmText.section(value);
            }
        }
        if (group == null) {
            return Optional.empty();
        }
        Map<String, Object> members = LvmText.section(group.get("physical_volumes"));
        if (members.size() != 1) {
            return Optional.empty();
        }
        String member = members.keySet().iterator().next();
        long start = LvmText.number(LvmText.section(members.get(member)).get("pe_start"));
        long extent = LvmText.number(group.get("extent_size"));
        if (start < 0 || extent <= 0 || extent > 1L << 40 || start > 1L << 40) {
            return Optional.empty();
        }
        List<Volume> volumes = new ArrayList<>();
        Object logical = group.getOrDefault("logical_volumes", Map.of());
        for (Map.Entry<String, Object> each : LvmText.section(logical).entrySet()) {
            Optional<List<Region>> parts =
                    parts(
                            LvmText.section(each.getValue()),
                            member,
                            physical,
                            start * SECTOR,
                            extent * SECTOR);
            if (parts.isEmpty() || volumes.size() == VOLUMES_MAX) {
                return Optional.empty();
            }
            volumes.add(new Volume(each.getKey(), new Joined(parts.get())));
        }
        return Optional.of(volumes);
    }

    private static Optional<List<Region>> parts(
            Map<String, Object> volume, String member, Region physical, long start, long extent) {
        List<Region> parts = new ArrayList<>();
        long count = LvmText.number(volume.get("segment_count"));
        if (count < 1 || count > SEGMENTS_MAX) {
            return Optional.empty();
        }
        long expected = 0;
        for (int i = 1; i <= count; i++) {
            Map<String, Object> segment = LvmText.section(volume.get("segment" + i));
            boolean isLinear =
                    "striped".equals(segment.get("type"))
                            && LvmText.number(segment.get("stripe_count")) == 1
                            && segment.get("stripes") instanceof List<?> stripes
                            && stripes.size() == 2
                            && stripes.getFirst().equals(member);
            if (!isLinear || LvmText.number(segment.get("start_extent")) != expected) {
                return Optional.empty();
            }
            long extents = LvmText.number(segment.get("extent_count"));
            long from =
                    LvmText.number(
                            ((List<?>) Objects.requireNonNull(segment.get("stripes"))).get(1));
            long most = physical.length() / extent;
            boolean isWithin =
                    extents > 0
                            && extents <= most
                            && from >= 0
                            && from <= most
                            && physical.contains(start + from * extent, extents * extent);
            if (!isWithin) {
                return Optional.empty();
            }
            parts.add(physical.part(start + from * extent, extents * extent));
            expected += extents;
        }
        return Optional.of(parts);
    }

    /// Parts of a disk, one behind the other.
    private static final class Joined implements BlockSource {
        private final List<Region> parts;

        Joined(List<Region> parts) {
            this.parts = List.copyOf(parts);
        }

        @Override
        public long size() {
            return parts.stream().mapToLong(Region::length).sum();
        }

        @Override
        public Iterator<Extent> dataExtents() {
            List<Extent> found = new ArrayList<>();
            long at = 0;
            for (Region part : parts) {
                if (!part.isZero()) {
                    found.add(new Extent(at, part.length()));
                }
                at += part.length();
            }
            return found.iterator();
        }

        @Override
        public void read(long offset, byte[] into, int at, int length) {
            long start = 0;
            int done = 0;
            for (Region part : parts) {
                long within = offset + done - start;
                if (done < length && within >= 0 && within < part.length()) {
                    int count = (int) Math.min(length - done, part.length() - within);
                    part.source().read(part.start() + within, into, at + done, count);
                    done += count;
                }
                start += part.length();
            }
            if (done < length) {
                throw new IndexOutOfBoundsException(offset + "+" + length + " of " + size());
            }
        }

        @Override
        public void close() {
            // The disk is not ours.
        }
    }
}
