/// How a vault is made and opened: its header, its key slots, and which credential fits one.
@NullMarked
package io.stillpoint.vault.key;

import org.jspecify.annotations.NullMarked;
