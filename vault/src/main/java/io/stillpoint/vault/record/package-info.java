/// The records by which processes that use one vault at once know of each other (`docs/locking.md`; section 9 of the format). The central type is
/// [Records][io.stillpoint.vault.record.Records].
@NullMarked
package io.stillpoint.vault.record;

import org.jspecify.annotations.NullMarked;
