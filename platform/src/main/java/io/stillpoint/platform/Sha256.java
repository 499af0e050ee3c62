package io.stillpoint.platform;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/// SHA-256: the one place that makes it.
public final class Sha256 {
    private static final int PIECE = 1 << 16;

    private Sha256() {}

    /// A digest to be fed piece by piece. For one thread at a time.
    public static MessageDigest digest() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError("every Java has SHA-256", e);
        }
    }

    /// The 32 bytes.
    public static byte[] of(byte[] bytes) {
        return digest().digest(bytes);
    }

    /// The 32 bytes of the text's UTF-8.
    public static byte[] of(String text) {
        return of(text.getBytes(StandardCharsets.UTF_8));
    }

    /// All 64 lower-case digits.
    public static String hex(byte[] bytes) {
        return HexFormat.of().formatHex(of(bytes));
    }

    /// Two lower-case digits for each of the first `count` bytes of the text's digest, 32 at most.
    public static String hex(String text, int count) {
        return HexFormat.of().formatHex(of(text), 0, count);
    }

    /// As [#hex(byte[])], of all that the stream still has. The caller closes it.
    public static String hex(InputStream in) throws IOException {
        MessageDigest digest = digest();
        byte[] piece = new byte[PIECE];
        for (int count = in.read(piece); count >= 0; count = in.read(piece)) {
            digest.update(piece, 0, count);
        }
        return HexFormat.of().formatHex(digest.digest());
    }
}
