/// Measures the index of large vaults: the figures of `docs/decisions/0006-index-filters.md`.
/// [IndexScale][io.stillpoint.benchmark.index.IndexScale] is run by the script `benchmark/index`, each step in a JVM of its own. Ids are
/// random and there are no packs, but segments, lookups and merges are the real ones; only a rebuild is measured on a real vault.
@NullMarked
package io.stillpoint.benchmark.index;

import org.jspecify.annotations.NullMarked;
