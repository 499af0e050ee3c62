package io.stillpoint.vault.crypto;

import io.stillpoint.platform.Randomness;
import io.stillpoint.platform.disk.Reason;
import io.stillpoint.vault.store.VaultException;
import io.stillpoint.vault.store.VaultException.Kind;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.List;

/// The file that unlocks vaults (section 3.1 of the format). Text, so that it can be printed and typed in again; its
/// checksum tells a typing error from a wrong key.
///
/// @param secret 32 bytes
public record KeyFile(byte[] secret) implements Credential {
    private static final String FIRST_LINE = "stillpoint-key-1";
    private static final int LENGTH_MAX = 4096;

    /// A new key, in no file yet.
    public static KeyFile random(Randomness randomness) {
        return new KeyFile(randomness.bytes(VaultKeys.KEY_LENGTH));
    }

    /// Makes a new key file as [#write] does.
    public static KeyFile create(Path file, Randomness randomness) {
        KeyFile key = random(randomness);
        key.write(file);
        return key;
    }

    /// Writes a new file, durably, that only its owner can read. Throws kind `EXISTS` if there is a file.
    public void write(Path file) {
        SecretFile.create(file, text());
    }

    /// Reads a key file. Throws kind `KEY_FILE` if it can't be read or is none.
    public static KeyFile read(Path file) {
        List<String> lines;
        try (InputStream input = Files.newInputStream(file)) {
            // What goes on behind is no key file, and may have no end.
            byte[] bytes = input.readNBytes(LENGTH_MAX);
            lines = new String(bytes, StandardCharsets.ISO_8859_1).lines().toList();
        } catch (NoSuchFileException e) {
            throw new VaultException(Kind.KEY_FILE, "vault.key-file-missing", e, file);
        } catch (IOException e) {
            throw new VaultException(
                    Kind.KEY_FILE, "vault.key-file-unreadable", e, file, Reason.of(e));
        }
        if (lines.size() < 3
                || !lines.get(0).strip().equals(FIRST_LINE)
                || !lines.get(1).strip().matches("[0-9a-fA-F]{64}")
                || !lines.get(2).strip().matches("[0-9a-fA-F]{8}")) {
            throw new VaultException(Kind.KEY_FILE, "vault.key-file-form", null, file, FIRST_LINE);
        }
        byte[] secret = HexFormat.of().parseHex(lines.get(1).strip());
        int crc = HexFormat.fromHexDigits(lines.get(2).strip());
        if (crc != Checksum.of(secret, 0, secret.length)) {
            throw new VaultException(Kind.KEY_FILE, "vault.key-file-damaged", null, file);
        }
        return new KeyFile(secret);
    }

    private String text() {
        HexFormat hex = HexFormat.of();
        int crc = Checksum.of(secret, 0, secret.length);
        return FIRST_LINE + "\n" + hex.formatHex(secret) + "\n" + hex.toHexDigits(crc) + "\n";
    }
}
