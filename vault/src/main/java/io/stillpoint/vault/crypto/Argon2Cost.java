package io.stillpoint.vault.crypto;

import org.bouncycastle.crypto.generators.Argon2BytesGenerator;
import org.bouncycastle.crypto.params.Argon2Parameters;

/// What Argon2id (RFC 9106) takes to turn a passphrase into a key. Only within bounds, so that a hostile slot can't make
/// us allocate or compute without end.
///
/// @param memory in KiB
/// @param iterations passes over the memory
/// @param parallelism lanes
record Argon2Cost(int memory, int iterations, int parallelism) {
    static final int MEMORY_MAX = 256 << 10;
    static final int ITERATIONS_MAX = 16;
    static final int PARALLELISM_MAX = 16;

    /// The second choice of RFC 9106, section 4, for where memory is short: 64 MiB fit beside a backup in our heap.
    static final Argon2Cost USUAL = new Argon2Cost(64 << 10, 3, 4);

    Argon2Cost {
        if (!isWithinBounds(memory, iterations, parallelism)) {
            throw new IllegalArgumentException(memory + " " + iterations + " " + parallelism);
        }
    }

    /// Takes what a slot says, as unsigned numbers of 32 bits.
    static boolean isWithinBounds(int memory, int iterations, int parallelism) {
        return parallelism >= 1
                && parallelism <= PARALLELISM_MAX
                && iterations >= 1
                && iterations <= ITERATIONS_MAX
                && memory >= 8 * parallelism
                && memory <= MEMORY_MAX;
    }

    /// 32 bytes.
    byte[] derive(Passphrase passphrase, byte[] salt) {
        Argon2BytesGenerator generator = new Argon2BytesGenerator();
        generator.init(
                new Argon2Parameters.Builder(Argon2Parameters.ARGON2_id)
                        .withVersion(Argon2Parameters.ARGON2_VERSION_13)
                        .withMemoryAsKB(memory)
                        .withIterations(iterations)
                        .withParallelism(parallelism)
                        .withSalt(salt)
                        .build());
        byte[] secret = new byte[VaultKeys.KEY_LENGTH];
        generator.generateBytes(passphrase.utf8(), secret);
        return secret;
    }
}
