package io.stillpoint.engine;

import io.stillpoint.engine.BackupRecord.Held;
import io.stillpoint.hypervisor.HeldSnapshot;

/// The VM's disks are held, and the guest runs again.
///
/// @param record what the journal says of it
record HeldVm(Held record, HeldSnapshot snapshot) {}
