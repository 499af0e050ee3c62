/// Somebody who has a vault's store and `SECURITY.md`, and not its key: [Attacker][io.stillpoint.testkit.hostile.Attacker]
/// edits, adds, puts back, removes and swaps objects and mends every checksum.
/// [Wiretap][io.stillpoint.testkit.hostile.Wiretap] keeps whatever was ever stored.
@NullMarked
package io.stillpoint.testkit.hostile;

import org.jspecify.annotations.NullMarked;
