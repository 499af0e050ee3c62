/// Keys, ids and authenticated encryption (sections 3 and 4 of the format). The central type is [VaultKeys][io.stillpoint.vault.crypto.VaultKeys].
@NullMarked
package io.stillpoint.vault.crypto;

import org.jspecify.annotations.NullMarked;
