package io.stillpoint.engine;

import io.stillpoint.hypervisor.HeldSnapshot;

/// The VM's disks are held, and the guest runs again. Closing releases them.
///
/// @param report what is known of their instant
record HeldVm(HeldSnapshot snapshot, InstantReport report) implements AutoCloseable {
    @Override
    public void close() {
        snapshot.close();
    }
}
