/// Long histories of a vault: several processes back up, restore, verify, forget and prune at once, crash, fail and fall silent for
/// days, on a store whose listings are late. A history is made from a seed alone and replays exactly: all its threads
/// are virtual ones, scheduled on one carrier by [Turns][io.stillpoint.simulation.Turns], and time is simulated. What must hold is told by
/// [Model][io.stillpoint.simulation.Model].
@NullMarked
package io.stillpoint.simulation;

import org.jspecify.annotations.NullMarked;
