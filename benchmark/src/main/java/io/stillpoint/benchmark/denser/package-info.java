/// Measures what a vault would hold if changed chunks were stored against their predecessors: the figures of
/// `docs/decisions/0005-changes-against-predecessors.md`. [Denser][io.stillpoint.benchmark.denser.Denser] is run by the script
/// `benchmark/denser`. A history is a folder of recorded days; a simulated vault takes it in, day by day, with one
/// way to store, and is restored and compared. Nothing is encrypted, as that costs and weighs the same for all ways.
@NullMarked
package io.stillpoint.benchmark.denser;

import org.jspecify.annotations.NullMarked;
