/// Brings guests to rest for the instant of a snapshot, each in its own way, and tells what came of it. The central type is
/// [Quiescer]; what the facts mean for a recovery point is the engine's business (`docs/consistency.md`).
///
/// Invariants:
/// - Whatever happens to us, the guest ends its rest by itself at a deadline.
/// - Rest counts as held only where the guest says, after the end, that it lasted until then.
@NullMarked
package io.stillpoint.guest.quiesce;

import org.jspecify.annotations.NullMarked;
