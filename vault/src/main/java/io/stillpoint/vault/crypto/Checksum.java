package io.stillpoint.vault.crypto;

import java.util.zip.CRC32C;

/// CRC-32C (RFC 3720 B.4), by which damage is found without any key.
public final class Checksum {
    private Checksum() {}

    /// The checksum of one range.
    public static int of(byte[] bytes, int at, int length) {
        CRC32C crc = new CRC32C();
        crc.update(bytes, at, length);
        return (int) crc.getValue();
    }

    /// The checksum of two ranges, one after the other.
    public static int of(
            byte[] first, int firstAt, int firstLength, byte[] second, int at, int length) {
        CRC32C crc = new CRC32C();
        crc.update(first, firstAt, firstLength);
        crc.update(second, at, length);
        return (int) crc.getValue();
    }
}
