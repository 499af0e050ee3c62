/// From an item's id to its place (section 7 of the format). The central type is [ItemIndex][io.stillpoint.vault.index.ItemIndex]: first it looks
/// into what was stored since the last segment was written (`Recent`), then into the segments in view (`Segments`); `Merging` puts few
/// segments into the place of many, and `UnlistedPacks` finds what no segment tells of. Memory is bounded however large the vault, and no
/// lock is held while a store answers, but for one merge at a time.
@NullMarked
package io.stillpoint.vault.index;

import org.jspecify.annotations.NullMarked;
