package io.stillpoint.hypervisor.images;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// What an image's header says of other files, of encryption, and of how the image was closed. Read here and not by QEMU,
/// which would open what it finds.
///
/// @param backing what this image is laid over
/// @param data where a qcow2 image keeps the content, if not in itself
/// @param extents the files that a VMDK descriptor is made of
/// @param encryption of the content, by QEMU's name (`luks`, `aes`); empty if it is not encrypted
/// @param isInUse whether whoever wrote it last did not close it
record ImageHeader(
        Optional<Reference> backing,
        Optional<Reference> data,
        List<Reference> extents,
        String encryption,
        boolean isInUse) {
    static final ImageHeader PLAIN = plain("");

    private static final int NAME_MAX = 1023;
    private static final long QCOW2_BACKING_FORMAT = 0xe2792acaL;
    private static final long QCOW2_DATA_FILE = 0x44415441L;
    private static final long QCOW2_BITMAPS = 0x23852875L;
    private static final int QCOW2_EXTENSIONS_MAX = 64;
    private static final int QCOW2_BITMAPS_MAX = 65_535;
    private static final int DESCRIPTOR_MAX = 20 * 512;
    private static final int FOOTER = 512;
    private static final int DIFFERENCING = 4;
    private static final Pattern EXTENT =
            Pattern.compile("(?m)^\\s*(\\S+)\\s+(-?\\d+)\\s+(\\S+)\\s+\"([^\"\\r\\n]*)\"");
    private static final Pattern PARENT = Pattern.compile("parentFileNameHint=\"([^\"\\r\\n]*)\"");

    /// @param name as it stands in the header
    /// @param format empty if the header does not say
    record Reference(String name, Optional<String> format) {}

    private static ImageHeader plain(String encryption) {
        return new ImageHeader(Optional.empty(), Optional.empty(), List.of(), encryption, false);
    }

    /// Throws a [HypervisorException] of kind IMAGE if it is not of this format, or of a kind that is not read.
    static ImageHeader read(Path file, String format, Region at) {
        return switch (format) {
            case ImageFormat.RAW -> PLAIN;
            case ImageFormat.LUKS -> {
                require(at.has(0, "LUKS\u00ba\u00be"), file, format);
                yield plain(ImageFormat.LUKS);
            }
            case ImageFormat.QCOW2 -> qcow2(file, at);
            case "qcow" -> qcow(file, at);
            case "qed" -> qed(file, at);
            case "vmdk" -> vmdk(file, at);
            case "vpc" -> vpc(file, at);
            default -> {
                require(ImageFormat.ofContent(at).equals(Optional.of(format)), file, format);
                yield PLAIN;
            }
        };
    }

    private static void require(boolean isSo, Path file, String format) {
        if (!isSo) {
            throw ImageErrors.of("image.not-of-format", file, format);
        }
    }

    /// docs/interop/qcow2.txt of QEMU.
    private static ImageHeader qcow2(Path file, Region at) {
        require(at.has(0, "QFI\u00fb") && at.length() >= 104, file, ImageFormat.QCOW2);
        long version = at.u32big(4);
        if (version != 2 && version != 3) {
            throw ImageErrors.of("image.version", file, Long.toString(version));
        }
        boolean isThird = version == 3;
        long incompatible = isThird ? at.u64big(72) : 0;
        boolean hasBitmaps = isThird && (at.u64big(88) & 1) != 0;
        Optional<String> backing = name(file, at, at.u64big(8), at.u32big(16));
        Optional<String> backingFormat = Optional.empty();
        Optional<String> data = Optional.empty();
        boolean isInUse = (incompatible & 1) != 0;
        long offset = isThird ? at.u32big(100) : 72;
        for (int i = 0; i < QCOW2_EXTENSIONS_MAX && at.contains(offset, 8); i++) {
            long type = at.u32big(offset);
            long length = at.u32big(offset + 4);
            if (type == 0 || !at.contains(offset + 8, length)) {
                break;
            }
            if (type == QCOW2_BACKING_FORMAT) {
                backingFormat = name(file, at, offset + 8, length);
            } else if (type == QCOW2_DATA_FILE) {
                data = name(file, at, offset + 8, length);
            } else if (type == QCOW2_BITMAPS && hasBitmaps) {
                isInUse |= isAnyInUse(at, at.u64big(offset + 24), at.u32big(offset + 8));
            }
            offset += 8 + (length + 7) / 8 * 8;
        }
        boolean isElsewhere = (incompatible & 4) != 0;
        if (isElsewhere && data.isEmpty()) {
            throw ImageErrors.of("image.no-data-file", file);
        }
        Optional<String> formatOfBacking = backingFormat;
        return new ImageHeader(
                backing.map(name -> new Reference(name, formatOfBacking)),
                isElsewhere
                        ? data.map(name -> new Reference(name, Optional.of(ImageFormat.RAW)))
                        : Optional.empty(),
                List.of(),
                encryption(at.u32big(32)),
                isInUse);
    }

    /// Whether QEMU had a bitmap open, which it writes back when it ends in an orderly way.
    private static boolean isAnyInUse(Region at, long directory, long count) {
        long offset = directory;
        for (int i = 0; i < Math.min(count, QCOW2_BITMAPS_MAX) && at.contains(offset, 24); i++) {
            if ((at.u32big(offset + 12) & 1) != 0) {
                return true;
            }
            long bytes = 24 + at.u32big(offset + 20) + at.u16big(offset + 18);
            offset += (bytes + 7) / 8 * 8;
        }
        return false;
    }

    private static ImageHeader qcow(Path file, Region at) {
        require(at.has(0, "QFI\u00fb") && at.u32big(4) == 1 && at.length() >= 48, file, "qcow");
        return new ImageHeader(
                name(file, at, at.u64big(8), at.u32big(16))
                        .map(name -> new Reference(name, Optional.empty())),
                Optional.empty(),
                List.of(),
                encryption(at.u32big(36)),
                false);
    }

    private static String encryption(long method) {
        return switch ((int) method) {
            case 0 -> "";
            case 1 -> "aes";
            default -> ImageFormat.LUKS;
        };
    }

    /// docs/interop/qed_spec.txt of QEMU.
    private static ImageHeader qed(Path file, Region at) {
        require(at.has(0, "QED\0") && at.length() >= 64, file, "qed");
        long features = at.u64(16);
        Optional<String> format =
                (features & 4) != 0 ? Optional.of(ImageFormat.RAW) : Optional.empty();
        return new ImageHeader(
                (features & 1) == 0
                        ? Optional.empty()
                        : name(file, at, at.u32(56), at.u32(60))
                                .map(name -> new Reference(name, format)),
                Optional.empty(),
                List.of(),
                "",
                (features & 2) != 0);
    }

    /// VMware, "Virtual Disk Format 5.0". A descriptor stands for itself or within a sparse file; there only its parent
    /// counts, unless the file says that it has no content of its own.
    private static ImageHeader vmdk(Path file, Region at) {
        boolean isSparse = at.has(0, "KDMV");
        boolean isDescriptor = at.has(0, "# Disk DescriptorFile");
        require(isSparse || isDescriptor || at.has(0, "COWD"), file, "vmdk");
        if (!isSparse && !isDescriptor) {
            return PLAIN;
        }
        long place = isSparse ? at.u64(28) * 512 : 0;
        if (!at.contains(place, 0) || (isSparse && place == 0)) {
            return PLAIN;
        }
        String descriptor =
                new String(at.bytes(place, DESCRIPTOR_MAX), StandardCharsets.UTF_8)
                        .replaceFirst("(?s)\0.*", "");
        List<Reference> extents = new ArrayList<>();
        Matcher extent = EXTENT.matcher(descriptor);
        boolean countsExtents = isDescriptor || at.u64(12) == 0;
        while (countsExtents && extent.find()) {
            String kind = extent.group(3).equals("SPARSE") ? "vmdk" : ImageFormat.RAW;
            extents.add(new Reference(extent.group(4), Optional.of(kind)));
        }
        Matcher parent = PARENT.matcher(descriptor);
        return new ImageHeader(
                parent.find()
                        ? Optional.of(new Reference(parent.group(1), Optional.of("vmdk")))
                        : Optional.empty(),
                Optional.empty(),
                List.copyOf(extents),
                "",
                false);
    }

    /// A fixed one has its only header at its end. QEMU would read a differencing one as if it were whole.
    private static ImageHeader vpc(Path file, Region at) {
        long end = at.length() - FOOTER;
        long header = at.has(0, "conectix") ? 0 : at.has(end, "conectix") ? end : end + 1;
        require(at.has(header, "conectix"), file, "vpc");
        if (at.u32big(header + 60) == DIFFERENCING) {
            throw ImageErrors.of("image.differencing", file);
        }
        return PLAIN;
    }

    private static Optional<String> name(Path file, Region at, long offset, long length) {
        if (offset == 0 || length == 0) {
            return Optional.empty();
        }
        if (length > NAME_MAX || !at.contains(offset, length)) {
            throw ImageErrors.of("image.damaged-header", file);
        }
        return Optional.of(new String(at.bytes(offset, (int) length), StandardCharsets.UTF_8));
    }
}
