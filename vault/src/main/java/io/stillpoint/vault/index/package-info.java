/// From an item's id to its place (section 7 of the format). The central type is [ItemIndex][io.stillpoint.vault.index.ItemIndex]; memory is bounded however large the vault.
@NullMarked
package io.stillpoint.vault.index;

import org.jspecify.annotations.NullMarked;
