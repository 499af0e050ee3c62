package io.stillpoint.hypervisor.qemu;

import io.stillpoint.platform.Json;
import java.util.List;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/// A disk that the guest can write, as QEMU has it.
///
/// @param name its name in recovery points
/// @param node the node directly under the device, where its bitmaps live
/// @param device the device's path in QEMU's object tree; its property `drive` names the node
/// @param deviceType such as `virtio-blk-pci`
/// @param format the image's format, that is, the driver of the node or of the image under its filters
/// @param file the image's file name, as QEMU tells it
/// @param size bytes
/// @param serial the device's serial number, or empty
/// @param storesBitmaps whether bitmaps survive the QEMU process
/// @param driver the node's driver
/// @param kind what it is to the guest
/// @param writable whether the guest can write it; if not, it is read without a filter
/// @param encrypted whether QEMU decrypts what lies in the image
record GuestDisk(
        String name,
        String node,
        String device,
        String deviceType,
        String format,
        String file,
        long size,
        String serial,
        boolean storesBitmaps,
        List<Bitmap> bitmaps,
        String driver,
        Kind kind,
        boolean writable,
        boolean encrypted) {
    GuestDisk {
        bitmaps = List.copyOf(bitmaps);
    }

    /// What a disk is to the guest. The names stand in recovery points.
    enum Kind {
        DISK("disk"),
        /// The flash memory in which UEFI keeps its variables.
        FIRMWARE_VARIABLES("firmware-variables"),
        REMOVABLE("removable"),
        CD_ROM("cd-rom");

        private final String word;

        Kind(String word) {
            this.word = word;
        }

        String word() {
            return word;
        }

        private static Kind of(String word) {
            for (Kind kind : values()) {
                if (kind.word.equals(word)) {
                    return kind;
                }
            }
            throw new IllegalArgumentException("no kind of disk: " + word);
        }
    }

    /// What a later process must know of it; [#of] reads it. The bitmaps, which change, are not in
    /// it, nor is a secret that stands in the file's name.
    ObjectNode json() {
        return Json.object()
                .put("name", name)
                .put("node", node)
                .put("device", device)
                .put("deviceType", deviceType)
                .put("format", format)
                .put("file", SecretMask.apply(file))
                .put("size", size)
                .put("serial", serial)
                .put("storesBitmaps", storesBitmaps)
                .put("driver", driver)
                .put("kind", kind.word())
                .put("writable", writable)
                .put("encrypted", encrypted);
    }

    /// Throws a [JacksonException][tools.jackson.core.JacksonException] if a field is missing.
    static GuestDisk of(JsonNode json) {
        return new GuestDisk(
                json.required("name").asString(),
                json.required("node").asString(),
                json.required("device").asString(),
                json.required("deviceType").asString(),
                json.required("format").asString(),
                json.required("file").asString(),
                json.required("size").asLong(),
                json.required("serial").asString(),
                json.required("storesBitmaps").asBoolean(),
                List.of(),
                json.required("driver").asString(),
                Kind.of(json.required("kind").asString()),
                json.required("writable").asBoolean(),
                json.required("encrypted").asBoolean());
    }

    /// Whether what is written to it can be recorded.
    boolean recordsChanges() {
        return writable && kind != Kind.FIRMWARE_VARIABLES;
    }

    /// A named bitmap of the node.
    ///
    /// @param persistent whether it came from the image's file, or will go there
    /// @param dirtyBytes how much it calls changed, in whole granules
    record Bitmap(
            String name,
            boolean recording,
            boolean inconsistent,
            boolean persistent,
            long dirtyBytes) {}

    /// Whether there is nothing to read, or to record.
    boolean isEmpty() {
        return size == 0;
    }

    GuestDisk named(String other) {
        return new GuestDisk(
                other,
                node,
                device,
                deviceType,
                format,
                file,
                size,
                serial,
                storesBitmaps,
                bitmaps,
                driver,
                kind,
                writable,
                encrypted);
    }
}
