/// Object stores beyond the local folder, and what goes around any store. [io.stillpoint.stores.StoreLocation] is what
/// a user gives and opens the right store; [io.stillpoint.stores.CachedStore] keeps metadata near,
/// [io.stillpoint.stores.request.Meter] counts requests and what they cost.
///
/// Invariants: an object appears whole or not at all; what failed for a passing reason was tried again before it is
/// thrown; nothing that a server says is trusted: lengths and ranges are checked.
///
/// Not here: the vault's format, and the folder as a store (both in the module `vault`).
@NullMarked
package io.stillpoint.stores;

import org.jspecify.annotations.NullMarked;
