/// When a VM's backups are due: [schedules][io.stillpoint.planning.schedule.Schedule] as a person means them, on the clocks of
/// a zone, with daylight saving. `docs/schedules.md` has the rules. Values in, values out.
@NullMarked
package io.stillpoint.planning.schedule;

import org.jspecify.annotations.NullMarked;
