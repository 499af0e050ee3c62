/// Sets of items and packs for finding what no point needs any more: [Reachable][io.stillpoint.vault.prune.Reachable], [PackCensus][io.stillpoint.vault.prune.PackCensus].
@NullMarked
package io.stillpoint.vault.prune;

import org.jspecify.annotations.NullMarked;
