package io.stillpoint.engine;

import io.stillpoint.engine.BackupRecord.Committed;
import io.stillpoint.vault.point.RecoveryPoint;
import io.stillpoint.vault.store.VaultException;
import java.util.Optional;

/// The point exists.
///
/// @param unfinished what the vault could not do for it yet
record MadePoint(Committed record, RecoveryPoint point, Optional<VaultException> unfinished) {}
