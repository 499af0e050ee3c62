/// When snapshots are taken and transferred: the [queue][io.stillpoint.planning.queue.TransferQueue] says which transfers
/// begin now and forecasts all others, and [admission][io.stillpoint.planning.queue.Admission] says whether a snapshot may
/// be taken at all, because its scratch space must last until its transfer has ended. `docs/transfer-queue.md` has the
/// rules.
///
/// Values in, values out: nothing here has a clock, a thread or a memory of earlier calls, and the same question gets the
/// same answer. Nothing here begins a transfer, or knows how one is made.
@NullMarked
package io.stillpoint.planning.queue;

import org.jspecify.annotations.NullMarked;
