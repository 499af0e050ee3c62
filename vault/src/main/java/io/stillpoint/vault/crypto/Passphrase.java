package io.stillpoint.vault.crypto;

import io.stillpoint.platform.disk.Reason;
import io.stillpoint.vault.store.VaultException;
import io.stillpoint.vault.store.VaultException.Kind;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.text.Normalizer;

/// Words that unlock a vault. In Unicode normalisation form C, so that every keyboard's way of typing an accent gives
/// the same key.
public final class Passphrase implements Credential {
    /// How many characters one must have to be given a slot. Whoever has the slot's bytes can guess without limit; see
    /// `SECURITY.md`.
    public static final int CHARACTERS_MIN = 12;

    private static final int FILE_BYTES_MAX = 4096;

    private final String text;

    private Passphrase(String text) {
        this.text = text;
    }

    /// Throws kind `KEY_FILE` if the text is empty or has characters that normalisation may treat otherwise in years to
    /// come: lone surrogates, and code points that Unicode has not assigned yet.
    public static Passphrase of(CharSequence characters) {
        if (characters.isEmpty()) {
            throw new VaultException(Kind.KEY_FILE, "vault.passphrase-empty", null);
        }
        if (characters.codePoints().anyMatch(Passphrase::isUnstable)) {
            throw new VaultException(Kind.KEY_FILE, "vault.passphrase-characters", null);
        }
        return new Passphrase(Normalizer.normalize(characters, Normalizer.Form.NFC));
    }

    private static boolean isUnstable(int codePoint) {
        int type = Character.getType(codePoint);
        return type == Character.UNASSIGNED || type == Character.SURROGATE;
    }

    /// Reads a file of one line of UTF-8; the line's end is no part of the passphrase. Throws kind `KEY_FILE` if it
    /// can't be read or is another.
    public static Passphrase read(Path file) {
        try (InputStream input = Files.newInputStream(file)) {
            byte[] bytes = input.readNBytes(FILE_BYTES_MAX + 1);
            if (bytes.length > FILE_BYTES_MAX) {
                throw new VaultException(Kind.KEY_FILE, "vault.passphrase-file-form", null, file);
            }
            CharBuffer characters =
                    StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes));
            String line = characters.toString().replaceFirst("\\r?\\n\\z", "");
            if (line.isEmpty() || line.contains("\n")) {
                throw new VaultException(Kind.KEY_FILE, "vault.passphrase-file-form", null, file);
            }
            return of(line);
        } catch (NoSuchFileException e) {
            throw new VaultException(Kind.KEY_FILE, "vault.passphrase-file-missing", e, file);
        } catch (CharacterCodingException e) {
            throw new VaultException(Kind.KEY_FILE, "vault.passphrase-file-form", e, file);
        } catch (IOException e) {
            throw new VaultException(
                    Kind.KEY_FILE, "vault.passphrase-file-unreadable", e, file, Reason.of(e));
        }
    }

    /// Throws kind `KEY_FILE` if it is too short to be given a slot.
    void requireLength() {
        int characters = text.codePointCount(0, text.length());
        if (characters < CHARACTERS_MIN) {
            throw new VaultException(
                    Kind.KEY_FILE, "vault.passphrase-short", null, characters, CHARACTERS_MIN);
        }
    }

    byte[] utf8() {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    /// Never the words.
    @Override
    public String toString() {
        return "a passphrase";
    }
}
