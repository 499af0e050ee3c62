/// Where a vault's objects lie: [ObjectStore][io.stillpoint.vault.store.ObjectStore] and the local folder. Knows names and bytes, not what they mean.
@NullMarked
package io.stillpoint.vault.store;

import org.jspecify.annotations.NullMarked;
