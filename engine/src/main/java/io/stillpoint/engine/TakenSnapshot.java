package io.stillpoint.engine;

import io.stillpoint.engine.BackupRecord.Preparing;
import io.stillpoint.hypervisor.HeldSnapshot;
import java.time.Instant;

/// A snapshot and its instant.
///
/// @param record which snapshot it is
record TakenSnapshot(Preparing record, HeldSnapshot snapshot, Instant at) {}
