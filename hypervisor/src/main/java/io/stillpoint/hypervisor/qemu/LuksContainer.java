package io.stillpoint.hypervisor.qemu;

import io.stillpoint.platform.Sha256;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.util.Arrays;
import javax.crypto.Cipher;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/// What an encrypted scratch image lies in: a LUKS container of version 1 (LUKS1 On-Disk Format Specification 1.2.3),
/// AES-256 in XTS mode, whose one passphrase is random. Made here, since QEMU would measure its own speed for seconds
/// while the guest stands.
///
/// ```
/// 0        header, with 8 key slots of which the first is used
/// 4096     key material of the slots, 504 sectors each
/// 2 MiB    payload
/// ```
final class LuksContainer {
    /// Where the payload begins.
    static final int HEADER_BYTES = 2 << 20;

    private static final int SECTOR = 512;
    private static final int BLOCK = 16;
    private static final int KEY_BYTES = 64;
    private static final int SALT_BYTES = 32;
    private static final int DIGEST_BYTES = 20;
    private static final int SLOTS = 8;
    private static final int STRIPES = 4000;
    private static final int MATERIAL_AT = 4096 / SECTOR;
    private static final int MATERIAL_SECTORS = 504;
    private static final int SLOT_ENABLED = 0x00AC71F3;
    private static final int SLOT_DISABLED = 0x0000DEAD;

    /// A random passphrase of 256 bits gains nothing by being stretched.
    private static final int ITERATIONS = 1000;

    private LuksContainer() {}

    /// What is random in it.
    @FunctionalInterface
    interface Source {
        byte[] bytes(int count);
    }

    /// The container of a payload. It may be made longer; what is there then is no plain text of anybody.
    ///
    /// @param payload a multiple of 512 bytes
    /// @param passphrase as the secret in QEMU holds it
    static byte[] of(byte[] payload, String passphrase, String uuid, Source random) {
        try {
            byte[] key = random.bytes(KEY_BYTES);
            byte[] header = header(key, passphrase.getBytes(StandardCharsets.UTF_8), uuid, random);
            byte[] container = Arrays.copyOf(header, HEADER_BYTES + payload.length);
            byte[] encrypted = payload.clone();
            encrypt(encrypted, key);
            System.arraycopy(encrypted, 0, container, HEADER_BYTES, encrypted.length);
            return container;
        } catch (GeneralSecurityException e) {
            throw new AssertionError("every Java has AES and HMAC-SHA-256", e);
        }
    }

    private static byte[] header(byte[] key, byte[] passphrase, String uuid, Source random)
            throws GeneralSecurityException {
        byte[] digestSalt = random.bytes(SALT_BYTES);
        byte[] slotSalt = random.bytes(SALT_BYTES);
        ByteBuffer header = ByteBuffer.allocate(HEADER_BYTES);
        header.put(new byte[] {'L', 'U', 'K', 'S', (byte) 0xba, (byte) 0xbe}).putShort((short) 1);
        text(header, "aes", 32);
        text(header, "xts-plain64", 32);
        text(header, "sha256", 32);
        header.putInt(HEADER_BYTES / SECTOR).putInt(KEY_BYTES);
        header.put(derive(key, digestSalt, DIGEST_BYTES)).put(digestSalt).putInt(ITERATIONS);
        text(header, uuid, 40);
        for (int i = 0; i < SLOTS; i++) {
            boolean isUsed = i == 0;
            header.putInt(isUsed ? SLOT_ENABLED : SLOT_DISABLED)
                    .putInt(isUsed ? ITERATIONS : 0)
                    .put(isUsed ? slotSalt : new byte[SALT_BYTES])
                    .putInt(MATERIAL_AT + i * MATERIAL_SECTORS)
                    .putInt(STRIPES);
        }
        byte[] material = split(key, random);
        encrypt(material, derive(passphrase, slotSalt, KEY_BYTES));
        header.put(MATERIAL_AT * SECTOR, material);
        return header.array();
    }

    private static void text(ByteBuffer header, String text, int length) {
        header.put(Arrays.copyOf(text.getBytes(StandardCharsets.US_ASCII), length));
    }

    /// PBKDF2 with HMAC-SHA-256 (RFC 8018, 5.2); Java's own takes no bytes for a password.
    private static byte[] derive(byte[] password, byte[] salt, int length)
            throws GeneralSecurityException {
        Mac mac = Mac.getInstance("HmacSHA256");
        mac.init(new SecretKeySpec(password, "HmacSHA256"));
        byte[] derived = new byte[length];
        for (int block = 1, at = 0; at < length; block++) {
            mac.update(salt);
            byte[] step = mac.doFinal(ByteBuffer.allocate(4).putInt(block).array());
            byte[] sum = step.clone();
            for (int i = 1; i < ITERATIONS; i++) {
                step = mac.doFinal(step);
                xor(sum, step);
            }
            int count = Math.min(sum.length, length - at);
            System.arraycopy(sum, 0, derived, at, count);
            at += count;
        }
        return derived;
    }

    /// The anti-forensic splitter (specification, 2.4): all stripes are needed to join the key again.
    private static byte[] split(byte[] key, Source random) {
        byte[] stripes =
                Arrays.copyOf(random.bytes(KEY_BYTES * (STRIPES - 1)), KEY_BYTES * STRIPES);
        byte[] sum = new byte[KEY_BYTES];
        for (int i = 0; i < STRIPES - 1; i++) {
            for (int j = 0; j < KEY_BYTES; j++) {
                sum[j] ^= stripes[i * KEY_BYTES + j];
            }
            diffuse(sum);
        }
        xor(sum, key);
        System.arraycopy(sum, 0, stripes, KEY_BYTES * (STRIPES - 1), KEY_BYTES);
        return stripes;
    }

    private static void diffuse(byte[] block) {
        MessageDigest digest = Sha256.digest();
        int length = digest.getDigestLength();
        for (int i = 0; i * length < block.length; i++) {
            digest.update(ByteBuffer.allocate(4).putInt(i).array());
            digest.update(block, i * length, length);
            System.arraycopy(digest.digest(), 0, block, i * length, length);
        }
    }

    /// AES in XTS mode (IEEE 1619), sectors counted from 0.
    private static void encrypt(byte[] data, byte[] key) throws GeneralSecurityException {
        Cipher blocks = cipher(Arrays.copyOf(key, key.length / 2));
        Cipher tweaks = cipher(Arrays.copyOfRange(key, key.length / 2, key.length));
        for (int sector = 0; sector * SECTOR < data.length; sector++) {
            byte[] tweak = tweaks.doFinal(number(sector));
            for (int at = sector * SECTOR; at < (sector + 1) * SECTOR; at += BLOCK) {
                byte[] block = Arrays.copyOfRange(data, at, at + BLOCK);
                xor(block, tweak);
                block = blocks.doFinal(block);
                xor(block, tweak);
                System.arraycopy(block, 0, data, at, BLOCK);
                advance(tweak);
            }
        }
    }

    private static Cipher cipher(byte[] key) throws GeneralSecurityException {
        Cipher cipher = Cipher.getInstance("AES/ECB/NoPadding");
        cipher.init(Cipher.ENCRYPT_MODE, new SecretKeySpec(key, "AES"));
        return cipher;
    }

    private static byte[] number(int sector) {
        byte[] number = new byte[BLOCK];
        for (int i = 0; i < 4; i++) {
            number[i] = (byte) (sector >>> (8 * i));
        }
        return number;
    }

    /// Multiplies by x in GF(2^128).
    private static void advance(byte[] tweak) {
        int carry = 0;
        for (int i = 0; i < BLOCK; i++) {
            int next = (tweak[i] & 0xff) >>> 7;
            tweak[i] = (byte) (tweak[i] << 1 | carry);
            carry = next;
        }
        if (carry != 0) {
            tweak[0] ^= (byte) 0x87;
        }
    }

    private static void xor(byte[] into, byte[] other) {
        for (int i = 0; i < into.length; i++) {
            into[i] ^= other[i];
        }
    }
}
