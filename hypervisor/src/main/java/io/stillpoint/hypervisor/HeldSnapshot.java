package io.stillpoint.hypervisor;

import io.stillpoint.platform.text.Text;
import java.util.List;
import tools.jackson.databind.node.ObjectNode;

/// All disks of a VM as they were at one instant.
public interface HeldSnapshot extends AutoCloseable {
    /// At least one; names are unique in the VM and stay the same from backup to backup.
    List<HeldDisk> disks();

    /// What the record of changes that begins at the instant rests on: which run of the hypervisor, which images,
    /// whether others could write them. Goes into the recovery point, and from there into the next request; empty if
    /// nothing is recorded.
    ObjectNode recording();

    /// Of a VM that is off: what its disks tell about its end. Reads a few structures of each disk.
    default Shutdown shutdown() {
        return Shutdown.unknown(Text.EMPTY);
    }

    /// To be called after the last byte was read: throws a [HypervisorException] unless every byte read so
    /// far is of the instant. What was read is worthless then.
    void proveValid();

    /// The recovery point made of this snapshot is durable: changes recorded since the instant are kept for
    /// the next backup when this is closed. Without this call closing keeps the older record instead.
    void keepChanges();

    /// Releases the snapshot: nothing of it stays in the hypervisor or in the scratch folder, whatever
    /// happened before. The guest is not disturbed.
    @Override
    void close();
}
