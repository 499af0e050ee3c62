/// Feeds the parsers of a vault's bytes with bytes that nobody wrote: each must give a value or a
/// [VaultException][io.stillpoint.vault.store.VaultException] that says what is wrong, in bounded time and memory. Since checksums and encryption
/// stop nearly all random changes, targets change plain bytes and seal them again, as a hostile holder of the key could.
@org.jspecify.annotations.NullMarked
package io.stillpoint.vault.fuzz;
