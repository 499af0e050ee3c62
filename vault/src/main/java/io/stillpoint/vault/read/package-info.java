/// Reading what a vault holds: nodes, chunks, whole disks. [Contents][io.stillpoint.vault.read.Contents] is what all readers share. No lock is held
/// while a store answers (`docs/locking.md`, "In one process").
@NullMarked
package io.stillpoint.vault.read;

import org.jspecify.annotations.NullMarked;
