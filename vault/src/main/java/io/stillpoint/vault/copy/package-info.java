/// Between two vaults: copies of recovery points, and mending one vault from the other.
@NullMarked
package io.stillpoint.vault.copy;

import org.jspecify.annotations.NullMarked;
