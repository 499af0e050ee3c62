/// Deleting what no point needs any more: [Pruner][io.stillpoint.vault.prune.Pruner], and the sets of items and packs by which it knows.
@NullMarked
package io.stillpoint.vault.prune;

import org.jspecify.annotations.NullMarked;
