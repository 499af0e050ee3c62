/// Checking a vault, with its key or without.
@NullMarked
package io.stillpoint.vault.verify;

import org.jspecify.annotations.NullMarked;
