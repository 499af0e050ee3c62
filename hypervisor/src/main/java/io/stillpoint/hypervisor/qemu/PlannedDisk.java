package io.stillpoint.hypervisor.qemu;

import io.stillpoint.hypervisor.ChangedBlocks.Reason;
import io.stillpoint.hypervisor.SnapshotRequest;
import java.util.Optional;

/// A disk and what its snapshot will do with its bitmaps.
///
/// @param index its number among the VM's disks, part of names
/// @param previous the recording bitmap that tells what changed, if it is fit for that
/// @param unknown why there is none
record PlannedDisk(int index, GuestDisk disk, Optional<String> previous, Optional<Reason> unknown) {
    /// Looks for the bitmap of the generation that the vault's newest point named.
    static PlannedDisk of(int index, GuestDisk disk, SnapshotRequest request) {
        String generation = request.previousGenerations().get(disk.name());
        if (!disk.recordsChanges()) {
            return unknown(index, disk, Reason.NOT_SUPPORTED);
        }
        if (generation == null) {
            return unknown(index, disk, Reason.FIRST_BACKUP);
        }
        String wanted = JobNames.recording(request.lineage(), generation);
        boolean other = false;
        for (GuestDisk.Bitmap bitmap : disk.bitmaps()) {
            if (bitmap.name().equals(wanted)) {
                if (bitmap.inconsistent()) {
                    return unknown(index, disk, Reason.INCONSISTENT);
                }
                return bitmap.recording()
                        ? new PlannedDisk(index, disk, Optional.of(wanted), Optional.empty())
                        : unknown(index, disk, Reason.NOT_RECORDING);
            }
            other |= JobNames.generation(request.lineage(), bitmap.name()).isPresent();
        }
        return unknown(index, disk, other ? Reason.OTHER_GENERATION : Reason.MISSING);
    }

    private static PlannedDisk unknown(int index, GuestDisk disk, Reason reason) {
        return new PlannedDisk(index, disk, Optional.empty(), Optional.of(reason));
    }
}
