/// What a vault's commands cost as it grows: a vault of any number of points is generated, then each command is measured in a
/// process of its own. `benchmark/scale` runs it.
@NullMarked
package io.stillpoint.benchmark.scale;

import org.jspecify.annotations.NullMarked;
