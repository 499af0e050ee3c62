/// When jobs are due: a [schedule][io.stillpoint.planning.schedule.Schedule] says the next slot of a VM, the last one, and all
/// between two instants. `docs/schedules.md` has the rules.
///
/// Values in, values out: nothing here has a clock, a thread or a memory of earlier calls, and the same question gets the
/// same answer. Nothing here starts a job, or knows which slots have run.
@NullMarked
package io.stillpoint.planning.schedule;

import org.jspecify.annotations.NullMarked;
