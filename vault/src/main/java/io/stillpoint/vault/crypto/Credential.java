package io.stillpoint.vault.crypto;

/// What a person or a machine holds to unlock a vault. Each kind has its own type of key slot (section 3.1 of the
/// format).
public sealed interface Credential permits KeyFile, Passphrase {}
