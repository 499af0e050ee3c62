/// The vault: recovery points of disks, deduplicated, compressed and encrypted in an object store. Its central
/// types are [Vault][io.stillpoint.vault.Vault], [BackupSession][io.stillpoint.vault.session.BackupSession] and
/// [RecoveryPoint][io.stillpoint.vault.point.RecoveryPoint]; the format is in `docs/vault-format.md`.
///
/// Invariants: objects are never rewritten; a recovery point appears only after everything it needs is
/// durable; every chunk read is checked against its id. The vault knows no VM, hypervisor or guest: it reads
/// [BlockSource][io.stillpoint.platform.block.BlockSource]s and writes
/// [BlockTarget][io.stillpoint.platform.block.BlockTarget]s.
@NullMarked
package io.stillpoint.vault;

import org.jspecify.annotations.NullMarked;
