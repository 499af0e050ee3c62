package io.stillpoint.engine;

import io.stillpoint.engine.BackupRecord.Preparing;
import io.stillpoint.hypervisor.HeldSnapshot;

/// The snapshot is taken, and the guest has told what it knows. The journal does not have it yet.
record TakenVm(Preparing record, HeldSnapshot snapshot, InstantReport report) {}
