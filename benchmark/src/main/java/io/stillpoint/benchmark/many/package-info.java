/// Many jobs at once in one process, as a service would run them. `benchmark/many` makes the VMs and runs it.
@NullMarked
package io.stillpoint.benchmark.many;

import org.jspecify.annotations.NullMarked;
