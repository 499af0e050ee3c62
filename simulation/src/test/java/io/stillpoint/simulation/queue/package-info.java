/// A month of backups of a whole fleet, to see what the transfer queue makes of it: daily policies, peaks, failures, stores
/// that slow down, and a server that is dead for a day. [QueueMonth][io.stillpoint.simulation.queue.QueueMonth] is the
/// month, [FullKnowledge][io.stillpoint.simulation.queue.FullKnowledge] tells which misses nobody could have avoided.
@NullMarked
package io.stillpoint.simulation.queue;

import org.jspecify.annotations.NullMarked;
