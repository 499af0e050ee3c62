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
    public static int of(Slice first, Slice second) {
        CRC32C crc = new CRC32C();
        crc.update(first.bytes(), first.at(), first.length());
        crc.update(second.bytes(), second.at(), second.length());
        return (int) crc.getValue();
    }
}
