package io.stillpoint.hypervisor.qemu;

import java.util.List;

/// A disk that the guest can write, as QEMU has it.
///
/// @param name its name in recovery points
/// @param node the node directly under the device, where its bitmaps live
/// @param device the device's path in QEMU's object tree; its property `drive` names the node
/// @param deviceType such as `virtio-blk-pci`
/// @param format the node's driver
/// @param file the image's file name, as QEMU tells it
/// @param size bytes
/// @param serial the device's serial number, or empty
/// @param storesBitmaps whether bitmaps survive the QEMU process
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
        List<Bitmap> bitmaps) {
    GuestDisk {
        bitmaps = List.copyOf(bitmaps);
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
                bitmaps);
    }
}
