/// Micro-benchmarks (JMH) of the inner loops: [InnerLoops][io.stillpoint.benchmark.InnerLoops]. The figures that count, whole
/// processes side by side with the peers, come from the scripts `benchmark/dataset` and `benchmark/run` beside the
/// sources. Nothing here ships, and no test depends on a time.
@NullMarked
package io.stillpoint.benchmark;

import org.jspecify.annotations.NullMarked;
