package io.stillpoint.engine;

import io.stillpoint.vault.RecoveryPoint;
import java.time.Instant;
import java.util.Optional;

/// Step one: what is to be backed up, and the newest point that it builds on.
record DueBackup(String vm, Instant startedAt, Optional<RecoveryPoint> previous) {}
