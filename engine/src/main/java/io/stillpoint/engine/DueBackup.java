package io.stillpoint.engine;

import io.stillpoint.engine.BackupRecord.Begun;
import io.stillpoint.vault.point.RecoveryPoint;
import java.util.Optional;

/// What is to be backed up, and the newest point that it builds on.
record DueBackup(Begun begun, Optional<RecoveryPoint> previous) {}
