package io.stillpoint.vault.crypto;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stillpoint.platform.Randomness;
import io.stillpoint.vault.store.ObjectId;
import io.stillpoint.vault.store.ObjectName;
import io.stillpoint.vault.store.ObjectName.Area;
import io.stillpoint.vault.store.VaultException;
import io.stillpoint.vault.store.VaultException.Kind;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import org.bouncycastle.crypto.generators.Argon2BytesGenerator;
import org.bouncycastle.crypto.params.Argon2Parameters;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// One slot: what its bytes tell, whatever happened to them.
final class KeySlotTest {
    private static final ObjectId VAULT = new ObjectId(1, 2);
    private static final ObjectId SLOT = new ObjectId(3, 4);
    private static final ObjectName NAME = new ObjectName(Area.KEYS, SLOT);
    private static final Instant MADE = Instant.parse("2026-01-02T03:04:05Z");
    private static final Argon2Cost CHEAP = new Argon2Cost(64, 1, 1);
    private static final int TYPE_AT = 32;
    private static final int COST_AT = 36;

    private final Randomness randomness = Randomness.secure();
    private final VaultKeys keys = new VaultKeys(VAULT, randomness.bytes(32));
    private final KeyFile keyFile = KeyFile.random(randomness);
    private final Passphrase passphrase = Passphrase.of("correct horse battery staple");

    private byte[] slot(Credential credential) {
        return slot(credential, "backup server");
    }

    private byte[] slot(Credential credential, String label) {
        KeySlot.Title title = new KeySlot.Title(SLOT, VAULT, label, MADE);
        return KeySlot.wrap(title, credential, CHEAP, keys, randomness);
    }

    private static KeySlot.Read read(byte[] bytes) {
        return KeySlot.read(bytes, NAME, "test");
    }

    private static KeySlot sound(byte[] bytes) {
        assertThat(read(bytes)).isInstanceOf(KeySlot.Read.Sound.class);
        return ((KeySlot.Read.Sound) read(bytes)).slot();
    }

    private static KeySlot.Opened open(byte[] bytes, Credential credential) {
        return sound(bytes).open(VAULT, credential);
    }

    /// With a checksum that fits: what somebody does, not what a disk does.
    private static byte[] forged(byte[] bytes, int at, int value) {
        byte[] changed = bytes.clone();
        changed[at] = (byte) value;
        return sealed(changed);
    }

    private static byte[] sealed(byte[] bytes) {
        int crcAt = bytes.length - 4;
        ByteBuffer.wrap(bytes).putInt(crcAt, Checksum.of(bytes, 0, crcAt));
        return bytes;
    }

    @Test
    void eachCredentialOpensItsSlotAndNoOther() {
        for (Credential credential : List.of(keyFile, passphrase)) {
            byte[] bytes = slot(credential);
            assertThat(bytes).hasSize(KeySlot.LENGTH);
            KeySlot slot = sound(bytes);
            assertThat(slot.type()).isEqualTo(KeySlot.Type.of(credential));
            assertThat(slot.label()).isEqualTo("backup server");
            assertThat(slot.createdAt()).isEqualTo(MADE);
            assertThat(open(bytes, credential))
                    .isInstanceOfSatisfying(
                            KeySlot.Opened.Keys.class,
                            opened ->
                                    assertThat(opened.keys().masterKey())
                                            .isEqualTo(keys.masterKey()));
            assertThat(slot.open(new ObjectId(1, 3), credential))
                    .isInstanceOf(KeySlot.Opened.OtherKey.class);
        }
        assertThat(open(slot(keyFile), KeyFile.random(randomness)))
                .isInstanceOf(KeySlot.Opened.OtherKey.class);
        assertThat(open(slot(passphrase), Passphrase.of("correct horse battery stapl")))
                .isInstanceOf(KeySlot.Opened.OtherKey.class);
    }

    @Test
    void everyFlippedBitIsDamageAndNeverAnotherKey() {
        for (Credential credential : List.of(keyFile, passphrase)) {
            byte[] bytes = slot(credential);
            for (int bit = 0; bit < bytes.length * Byte.SIZE; bit++) {
                byte[] damaged = bytes.clone();
                damaged[bit / Byte.SIZE] ^= (byte) (1 << (bit % Byte.SIZE));
                assertThat(read(damaged))
                        .as("bit %d", bit)
                        .isInstanceOf(KeySlot.Read.Damaged.class);
            }
        }
    }

    @Test
    void everyTruncatedSlotIsDamage() {
        byte[] bytes = slot(keyFile);
        for (int length = 0; length < bytes.length; length++) {
            assertThat(read(Arrays.copyOf(bytes, length)))
                    .as("%d bytes", length)
                    .isInstanceOf(KeySlot.Read.Damaged.class);
        }
        assertThat(read(sealed(Arrays.copyOf(bytes, bytes.length + 1))))
                .isInstanceOf(KeySlot.Read.Damaged.class);
    }

    /// Whoever can write to the store can make the checksum fit: then it is damage if the change was behind what the
    /// key is made of, and else another key; no change is ever taken.
    @Test
    void noForgedByteIsTaken() {
        byte[] bytes = slot(passphrase);
        for (int at = TYPE_AT; at < bytes.length - 4; at++) {
            byte[] changed = forged(bytes, at, bytes[at] ^ 1);
            if (read(changed) instanceof KeySlot.Read.Sound(KeySlot slot)
                    && slot.type() == KeySlot.Type.PASSPHRASE) {
                assertThat(slot.open(VAULT, passphrase))
                        .as("byte %d", at)
                        .isNotInstanceOf(KeySlot.Opened.Keys.class);
                assertThat(slot.isAuthentic(keys)).as("byte %d", at).isFalse();
            }
        }
        byte[] label = forged(bytes, 88, 'B');
        assertThat(open(label, passphrase)).isInstanceOf(KeySlot.Opened.Damaged.class);
    }

    @Test
    void aSlotOfAnotherVaultIsNotAuthenticHere() {
        VaultKeys others = new VaultKeys(VAULT, randomness.bytes(32));
        assertThat(sound(slot(keyFile)).isAuthentic(others)).isFalse();
    }

    @Test
    void anUnknownTypeIsNewerWhateverItsLength() {
        for (int length : new int[] {40, KeySlot.LENGTH, 1000, KeySlot.LENGTH_MAX}) {
            byte[] bytes = Arrays.copyOf(slot(keyFile), length);
            assertThat(read(forged(bytes, TYPE_AT, 3))).isInstanceOf(KeySlot.Read.Newer.class);
        }
        byte[] endless = Arrays.copyOf(slot(keyFile), KeySlot.LENGTH_MAX + 1);
        assertThat(read(forged(endless, TYPE_AT, 3))).isInstanceOf(KeySlot.Read.Damaged.class);
        byte[] unchecked = slot(keyFile);
        unchecked[TYPE_AT] = 3;
        assertThat(read(unchecked)).isInstanceOf(KeySlot.Read.Damaged.class);
    }

    /// Else a slot could have us allocate gigabytes or compute for days.
    @ParameterizedTest
    @CsvSource({
        "262145, 1, 1",
        "4194304, 1, 1",
        "-1, 1, 1",
        "64, 17, 1",
        "64, -1, 1",
        "64, 0, 1",
        "1024, 1, 17",
        "1024, 1, -1",
        "64, 1, 0",
        "63, 1, 8",
        "7, 1, 1",
        "0, 0, 0"
    })
    void demandsBeyondTheBoundsAreRefusedBeforeAnythingIsDerived(
            int memory, int iterations, int parallelism) {
        byte[] bytes = slot(passphrase);
        ByteBuffer.wrap(bytes)
                .putInt(COST_AT, memory)
                .putInt(COST_AT + 4, iterations)
                .putInt(COST_AT + 8, parallelism);
        assertThat(read(sealed(bytes))).isInstanceOf(KeySlot.Read.Newer.class);
        assertThatThrownBy(() -> new Argon2Cost(memory, iterations, parallelism))
                .isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void theBoundsThemselvesAreGranted() {
        assertThat(Argon2Cost.isWithinBounds(262_144, 16, 16)).isTrue();
        assertThat(Argon2Cost.isWithinBounds(8, 1, 1)).isTrue();
        assertThat(new Argon2Cost(262_144, 1, 16).derive(passphrase, new byte[32])).hasSize(32);
    }

    @Test
    void aKeyFileSlotThatAsksForAnEffortIsDamaged() {
        assertThat(read(forged(slot(keyFile), COST_AT + 3, 1)))
                .isInstanceOf(KeySlot.Read.Damaged.class);
    }

    /// The page says what Argon2id is given: the RFC's own example (section 5.3) holds the library to the RFC, a second
    /// derivation holds us to the page.
    @Test
    void passphrasesGoThroughArgon2idOfTheRfc() {
        Argon2BytesGenerator rfc = new Argon2BytesGenerator();
        rfc.init(
                new Argon2Parameters.Builder(Argon2Parameters.ARGON2_id)
                        .withVersion(0x13)
                        .withMemoryAsKB(32)
                        .withIterations(3)
                        .withParallelism(4)
                        .withSalt(filled(16, 2))
                        .withSecret(filled(8, 3))
                        .withAdditional(filled(12, 4))
                        .build());
        byte[] tag = new byte[32];
        rfc.generateBytes(filled(32, 1), tag);
        assertThat(HexFormat.of().formatHex(tag))
                .isEqualTo("0d640df58d78766c08c037a34a8b53c9d01ef0452d75b65eb52520e96b01e659");
        // argon2 (the reference implementation's command): printf %s passwordpassword | argon2
        // saltsaltsaltsaltsaltsaltsaltsalt -id -t 2 -k 64 -p 1 -l 32 -v 13 -r
        assertThat(
                        HexFormat.of()
                                .formatHex(
                                        new Argon2Cost(64, 2, 1)
                                                .derive(
                                                        Passphrase.of("passwordpassword"),
                                                        "saltsalt"
                                                                .repeat(4)
                                                                .getBytes(
                                                                        StandardCharsets
                                                                                .US_ASCII))))
                .isEqualTo("282b40ec2e205a6f2431d4c16fab3df7ceb1e2622d8f963d42494dfbaf475b96");
    }

    private static byte[] filled(int length, int value) {
        byte[] bytes = new byte[length];
        Arrays.fill(bytes, (byte) value);
        return bytes;
    }

    @Test
    void anAccentIsTheSameHoweverItWasTyped() {
        Passphrase composed = Passphrase.of("na\u00efve caf\u00e9 \u00c5ngstr\u00f6m");
        Passphrase decomposed = Passphrase.of("nai\u0308ve cafe\u0301 A\u030angstro\u0308m");
        Passphrase compatible = Passphrase.of("nai\u0308ve cafe\u0301 \u212bngstro\u0308m");
        byte[] bytes = slot(composed);
        assertThat(open(bytes, decomposed)).isInstanceOf(KeySlot.Opened.Keys.class);
        assertThat(open(bytes, compatible)).isInstanceOf(KeySlot.Opened.Keys.class);
        assertThat(open(bytes, Passphrase.of("naive cafe Angstrom")))
                .isInstanceOf(KeySlot.Opened.OtherKey.class);
        assertThat(decomposed.utf8())
                .isEqualTo(
                        "na\u00efve caf\u00e9 \u00c5ngstr\u00f6m".getBytes(StandardCharsets.UTF_8));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "lone \ud800 surrogate", "not assigned \u0378 yet"})
    void charactersThatMayChangeTheirMeaningAreRefused(String text) {
        requireRefused(() -> Passphrase.of(text), "passphrase");
    }

    @Test
    void aShortPassphraseIsGivenNoSlot() {
        KeySlot.Title title = new KeySlot.Title(SLOT, VAULT, "", MADE);
        // Eleven characters, though more UTF-16 units and bytes.
        Passphrase tooShort = Passphrase.of("\ud83d\udd11".repeat(11));
        requireRefused(
                () -> KeySlot.wrap(title, tooShort, keys, randomness),
                "has 11 characters; at least 12");
    }

    @Test
    void aPassphraseFileIsOneLineOfUtf8(@TempDir Path folder) throws Exception {
        Path file = folder.resolve("passphrase");
        byte[] bytes = slot(Passphrase.of(" two w\u00f6rds "));
        for (String end : List.of("", "\n", "\r\n")) {
            Files.writeString(file, " two w\u00f6rds " + end);
            assertThat(open(bytes, Passphrase.read(file))).isInstanceOf(KeySlot.Opened.Keys.class);
        }
        for (String other : List.of("", "\n", "two\nlines\n", "x".repeat(5000))) {
            Files.writeString(file, other);
            requireRefused(() -> Passphrase.read(file), "one line of UTF-8");
        }
        Files.write(file, new byte[] {'a', (byte) 0xff});
        requireRefused(() -> Passphrase.read(file), "one line of UTF-8");
        Files.delete(file);
        requireRefused(() -> Passphrase.read(file), "no passphrase file");
    }

    @Test
    void aPassphraseIsNeverPrinted() {
        assertThat(passphrase.toString()).doesNotContain("horse");
        assertThat(keyFile.toString()).doesNotContain(HexFormat.of().formatHex(keyFile.secret()));
    }

    @Test
    void labelsAreShortAndHarmlessToTerminals() {
        String longest = "\u00e4".repeat(32);
        assertThat(sound(slot(keyFile, longest)).label()).isEqualTo(longest);
        assertThat(sound(slot(keyFile, "")).label()).isEmpty();
        requireRefused(() -> slot(keyFile, longest + "x"), "64 bytes");
        requireRefused(() -> slot(keyFile, "red \u001b[31m"), "control characters");
        byte[] bytes = slot(keyFile, "abc");
        int labelAt = 88;
        assertThat(read(forged(bytes, labelAt, 0x1b))).isInstanceOf(KeySlot.Read.Damaged.class);
        assertThat(read(forged(bytes, labelAt, 0xff))).isInstanceOf(KeySlot.Read.Damaged.class);
        assertThat(read(forged(bytes, labelAt + 3, 'd'))).isInstanceOf(KeySlot.Read.Damaged.class);
        assertThat(read(forged(bytes, TYPE_AT + 1, 65))).isInstanceOf(KeySlot.Read.Damaged.class);
        assertThat(read(forged(bytes, TYPE_AT + 1, 255))).isInstanceOf(KeySlot.Read.Damaged.class);
    }

    private static void requireRefused(Runnable action, String words) {
        assertThatThrownBy(action::run)
                .isInstanceOfSatisfying(
                        VaultException.class, e -> assertThat(e.kind()).isEqualTo(Kind.KEY_FILE))
                .hasMessageContaining(words);
    }
}
