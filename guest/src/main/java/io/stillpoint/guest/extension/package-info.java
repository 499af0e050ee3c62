/// The host's side of the extensions in the guest (`docs/extensions.md`): packages and their signature, installing, updating,
/// looking after and removing them through the agent, and what the host remembers of each. The central type is
/// [ExtensionKeeper].
///
/// Invariants:
/// - Nothing runs in a guest that the host has not read back and found to be what it sent, or that does not carry this
///   installation's signature.
/// - Every step may be cut off and done again: a look at the guest tells what is left to do.
/// - A larger version is never replaced by a smaller one.
///
/// What the extensions do in the guest is not here: they are executables of their own, in the module `extensions`.
@NullMarked
package io.stillpoint.guest.extension;

import org.jspecify.annotations.NullMarked;
