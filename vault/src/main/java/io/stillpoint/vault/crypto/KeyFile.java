package io.stillpoint.vault.crypto;

import io.stillpoint.platform.Randomness;
import io.stillpoint.vault.VaultException;
import io.stillpoint.vault.VaultException.Kind;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.HexFormat;
import java.util.List;
import java.util.Set;

/// The file that unlocks vaults (section 3.1 of the format). Text, so that it can be printed and typed in again; its
/// checksum tells a typing error from a wrong key.
///
/// @param secret 32 bytes
public record KeyFile(byte[] secret) implements Credential {
    private static final String FIRST_LINE = "stillpoint-key-1";

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
        try {
            Path folder = file.toAbsolutePath().getParent();
            if (folder != null) {
                Files.createDirectories(folder);
            }
            var ownerOnly =
                    PosixFilePermissions.asFileAttribute(
                            PosixFilePermissions.fromString("rw-------"));
            try (FileChannel channel =
                    FileChannel.open(
                            file,
                            Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE),
                            ownerOnly)) {
                ByteBuffer text = ByteBuffer.wrap(text().getBytes(StandardCharsets.US_ASCII));
                while (text.hasRemaining()) {
                    channel.write(text);
                }
                channel.force(true);
            }
        } catch (FileAlreadyExistsException e) {
            throw new VaultException(Kind.EXISTS, "vault.key-file-exists", e, file);
        } catch (IOException e) {
            throw new VaultException(
                    Kind.KEY_FILE,
                    "vault.key-file-unwritable",
                    e,
                    file,
                    String.valueOf(e.getMessage()));
        }
    }

    /// Reads a key file. Throws kind `KEY_FILE` if it can't be read or is none.
    public static KeyFile read(Path file) {
        List<String> lines;
        try {
            lines = Files.readAllLines(file, StandardCharsets.ISO_8859_1);
        } catch (NoSuchFileException e) {
            throw new VaultException(Kind.KEY_FILE, "vault.key-file-missing", e, file);
        } catch (IOException e) {
            throw new VaultException(
                    Kind.KEY_FILE,
                    "vault.key-file-unreadable",
                    e,
                    file,
                    String.valueOf(e.getMessage()));
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
