package io.stillpoint.vault;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stillpoint.platform.Cancellation;
import io.stillpoint.platform.ProcessResources;
import io.stillpoint.platform.Randomness;
import io.stillpoint.vault.crypto.Checksum;
import io.stillpoint.vault.crypto.Credential;
import io.stillpoint.vault.crypto.KeyFile;
import io.stillpoint.vault.crypto.KeySlot;
import io.stillpoint.vault.crypto.Passphrase;
import io.stillpoint.vault.key.KeySlots;
import io.stillpoint.vault.key.Unlocked;
import io.stillpoint.vault.store.ForwardingStore;
import io.stillpoint.vault.store.LocalStore;
import io.stillpoint.vault.store.ObjectId;
import io.stillpoint.vault.store.ObjectName;
import io.stillpoint.vault.store.ObjectName.Area;
import io.stillpoint.vault.store.ObjectStore;
import io.stillpoint.vault.store.VaultException;
import io.stillpoint.vault.store.VaultException.Kind;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Several credentials for one vault: who opens it, what may be removed, and what is told when nothing opens it.
final class KeySlotsTest {
    private final Randomness randomness = Randomness.secure();
    private final KeyFile key = KeyFile.random(randomness);
    private final Passphrase passphrase = Passphrase.of("correct horse battery staple");
    private final Passphrase wrong = Passphrase.of("incorrect horse battery");
    private Instant now = Instant.parse("2026-01-01T00:00:00Z");
    @TempDir Path folder;

    @BeforeEach
    void makeVault() {
        Vault.init(
                        store(),
                        key,
                        new Vault.Surroundings(
                                randomness, () -> now, ProcessResources.ofThisProcess()))
                .close();
    }

    private LocalStore store() {
        return new LocalStore(folder);
    }

    private Vault open(Credential credential) {
        return Vault.open(
                store(),
                credential,
                new Vault.Surroundings(randomness, () -> now, ProcessResources.ofThisProcess()));
    }

    private ObjectId add(Credential credential, String label) {
        now = now.plusSeconds(1);
        try (Vault vault = open(key)) {
            return vault.keySlots().add(credential, label);
        }
    }

    private Path file(ObjectId slot) {
        return folder.resolve("keys").resolve(slot.toString());
    }

    private ObjectId first() {
        try (Vault vault = open(key)) {
            return vault.keySlots().list().getFirst().id();
        }
    }

    private static VaultException failure(Runnable action) {
        List<VaultException> thrown = new ArrayList<>();
        assertThatThrownBy(action::run).isInstanceOfSatisfying(VaultException.class, thrown::add);
        return thrown.getFirst();
    }

    private void requireFailure(Runnable action, Kind kind, String code) {
        VaultException e = failure(action);
        assertThat(e.kind()).as(e.getMessage()).isEqualTo(kind);
        assertThat(e.code()).isEqualTo(code);
        assertThat(e.getMessage()).doesNotContain("{0}", "{1}");
    }

    private void requireClosed(Credential credential, Kind kind, String code) {
        requireFailure(() -> open(credential).close(), kind, code);
        requireFailure(() -> KeySlots.check(store(), credential), kind, code);
    }

    private void damage(ObjectId slot, int at) {
        rewrite(slot, bytes -> bytes[at] ^= 1);
    }

    private void forge(ObjectId slot, Consumer<byte[]> change) {
        rewrite(
                slot,
                bytes -> {
                    change.accept(bytes);
                    int crcAt = bytes.length - 4;
                    ByteBuffer.wrap(bytes).putInt(crcAt, Checksum.of(bytes, 0, crcAt));
                });
    }

    private void rewrite(ObjectId slot, Consumer<byte[]> change) {
        try {
            byte[] bytes = Files.readAllBytes(file(slot));
            change.accept(bytes);
            Files.write(file(slot), bytes);
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void aVaultMayBeMadeWithAPassphrase() {
        LocalStore other = new LocalStore(folder.resolve("other"));
        Vault.init(
                        other,
                        passphrase,
                        new Vault.Surroundings(
                                randomness, () -> now, ProcessResources.ofThisProcess()))
                .close();
        try (Vault vault =
                Vault.open(
                        other,
                        passphrase,
                        new Vault.Surroundings(
                                randomness, () -> now, ProcessResources.ofThisProcess()))) {
            assertThat(vault.keySlots().list())
                    .singleElement()
                    .matches(entry -> entry.state() == KeySlots.State.PASSPHRASE)
                    .matches(KeySlots.Entry::isOpener);
        }
    }

    @Test
    void everyCredentialOpensTheSameVault() {
        KeyFile secondKey = KeyFile.random(randomness);
        Passphrase secondPassphrase = Passphrase.of("another set of words");
        Map<Credential, ObjectId> slots = new HashMap<>();
        slots.put(key, first());
        slots.put(passphrase, add(passphrase, "Anna"));
        slots.put(secondKey, add(secondKey, "server"));
        slots.put(secondPassphrase, add(secondPassphrase, "Bert"));
        ObjectId id;
        try (Vault vault = open(key)) {
            id = vault.id();
        }
        slots.forEach((credential, slot) -> {
            try (Vault vault = open(credential)) {
                assertThat(vault.id()).isEqualTo(id);
                assertThat(vault.keySlots().opener()).isEqualTo(slot);
            }
            assertThat(KeySlots.check(store(), credential).slot()).isEqualTo(slot);
        });
    }

    @Test
    void slotsAreListedWithWhatTellsThemApart() {
        ObjectId added = add(passphrase, "Anna's words");
        try (Vault vault = open(key)) {
            assertThat(vault.keySlots().list())
                    .containsExactly(
                            new KeySlots.Entry(
                                    first(),
                                    KeySlots.State.KEY_FILE,
                                    "first",
                                    Instant.parse("2026-01-01T00:00:00Z"),
                                    true),
                            new KeySlots.Entry(
                                    added,
                                    KeySlots.State.PASSPHRASE,
                                    "Anna's words",
                                    Instant.parse("2026-01-01T00:00:01Z"),
                                    false));
        }
    }

    @Test
    void aWrongKeyIsToldFromDamageAndFromAMissingType() {
        requireClosed(passphrase, Kind.WRONG_KEY, "vault.no-passphrase-slot");
        ObjectId words = add(passphrase, "words");
        requireClosed(wrong, Kind.WRONG_KEY, "vault.wrong-passphrase");
        requireClosed(KeyFile.random(randomness), Kind.WRONG_KEY, "vault.wrong-key");
        damage(words, 100);
        requireClosed(wrong, Kind.DAMAGED, "vault.slot-damaged");
        requireClosed(passphrase, Kind.DAMAGED, "vault.slot-damaged");
        open(key).close();
    }

    @Test
    void withoutAKeyFilesSlotThatIsSaid() {
        add(passphrase, "words");
        try (Vault vault = open(passphrase)) {
            vault.keySlots().remove(first(), false);
        }
        requireClosed(key, Kind.WRONG_KEY, "vault.no-key-file-slot");
    }

    /// A whole slot at a time, with each byte of it wrong: never "wrong passphrase", never a wrong master key.
    @Test
    void noFlippedByteOfASlotLooksLikeAWrongPassphrase() throws IOException {
        ObjectId words = add(passphrase, "words");
        byte[] sound = Files.readAllBytes(file(words));
        for (int at = 0; at < sound.length; at++) {
            damage(words, at);
            VaultException e = failure(() -> open(passphrase).close());
            assertThat(e.kind()).as("byte %d", at).isEqualTo(Kind.DAMAGED);
            Files.write(file(words), sound);
        }
        open(passphrase).close();
    }

    @Test
    void aSlotOfANewerTypeIsSkippedAndNamedOnlyIfNothingElseOpens() {
        ObjectId newer = add(KeyFile.random(randomness), "future");
        forge(newer, bytes -> bytes[32] = 9);
        open(key).close();
        requireClosed(KeyFile.random(randomness), Kind.TOO_NEW, "vault.slot-too-new");
        requireClosed(passphrase, Kind.TOO_NEW, "vault.slot-too-new");
        try (Vault vault = open(key)) {
            assertThat(vault.keySlots().find(newer.toString()).state())
                    .isEqualTo(KeySlots.State.NEWER);
        }
    }

    @Test
    void aSlotThatDemandsGigabytesIsNotObeyed() {
        ObjectId hostile = add(passphrase, "hostile");
        forge(hostile, bytes -> ByteBuffer.wrap(bytes).putInt(36, 1 << 30));
        requireClosed(passphrase, Kind.TOO_NEW, "vault.slot-too-new");
        open(key).close();
    }

    @Test
    void anOverlongSlotIsDamageAndNotReadWhole() throws IOException {
        ObjectId words = add(passphrase, "words");
        Files.write(file(words), new byte[1 << 20]);
        requireClosed(passphrase, Kind.DAMAGED, "vault.slot-damaged");
    }

    @Test
    void aForgedLabelIsNotShown() {
        ObjectId added = add(KeyFile.random(randomness), "old laptop");
        forge(added, bytes -> bytes[88] = 'x');
        try (Vault vault = open(key)) {
            KeySlots.Entry entry = vault.keySlots().find(added.toString());
            assertThat(entry.state()).isEqualTo(KeySlots.State.DAMAGED);
            assertThat(entry.label()).isEmpty();
        }
    }

    @Test
    void aSlotUnderAnothersNameIsRefused() throws IOException {
        ObjectId words = add(passphrase, "words");
        Files.write(file(words), Files.readAllBytes(file(first())));
        requireClosed(passphrase, Kind.DAMAGED, "vault.slot-damaged");
    }

    @Test
    void theLastSlotIsNeverRemoved() {
        ObjectId only = first();
        try (Vault vault = open(key)) {
            for (boolean force : new boolean[] {false, true}) {
                requireFailure(
                        () -> vault.keySlots().remove(only, force),
                        Kind.REFUSED,
                        "vault.last-slot");
            }
        }
        // What nobody can open does not count.
        ObjectId broken = add(passphrase, "words");
        damage(broken, 60);
        ObjectId newer = add(KeyFile.random(randomness), "future");
        forge(newer, bytes -> bytes[32] = 9);
        try (Vault vault = open(key)) {
            requireFailure(
                    () -> vault.keySlots().remove(only, true), Kind.REFUSED, "vault.last-slot");
            vault.keySlots().remove(broken, false);
            vault.keySlots().remove(newer, false);
            assertThat(vault.keySlots().list()).hasSize(1);
        }
        open(key).close();
    }

    @Test
    void theSlotThatOpenedTheVaultIsRemovedOnlyByForce() {
        ObjectId opener = first();
        add(passphrase, "words");
        try (Vault vault = open(key)) {
            requireFailure(
                    () -> vault.keySlots().remove(opener, false),
                    Kind.REFUSED,
                    "vault.opener-slot");
            vault.keySlots().remove(opener, true);
        }
        requireClosed(key, Kind.WRONG_KEY, "vault.no-key-file-slot");
        open(passphrase).close();
    }

    /// Two people remove each other's slot at once: the second one gets it back.
    @Test
    void twoRemovalsAtOnceLeaveASlot() {
        ObjectId mine = first();
        ObjectId theirs = add(passphrase, "words");
        LocalStore below = store();
        ObjectStore racing =
                new ForwardingStore(below) {
                    @Override
                    public void delete(ObjectName name) {
                        below.delete(new ObjectName(Area.KEYS, mine));
                        below.delete(name);
                    }
                };
        try (Vault vault =
                Vault.open(
                        racing,
                        key,
                        new Vault.Surroundings(
                                randomness, () -> now, ProcessResources.ofThisProcess()))) {
            requireFailure(
                    () -> vault.keySlots().remove(theirs, false), Kind.REFUSED, "vault.last-slot");
        }
        open(passphrase).close();
    }

    @Test
    void aPassphraseIsChangedByAddingAndRemoving() throws IOException {
        ObjectId words = add(passphrase, "words");
        Passphrase fresh = Passphrase.of("a fresh set of words");
        List<String> before = dataFiles();
        try (Vault vault = open(passphrase)) {
            ObjectId added = vault.keySlots().replace(words, fresh, "words");
            assertThat(added).isNotEqualTo(words);
        }
        requireClosed(passphrase, Kind.WRONG_KEY, "vault.wrong-passphrase");
        open(fresh).close();
        assertThat(dataFiles()).isEqualTo(before);
    }

    @Test
    void aPassphraseThatWontDoChangesNothing() {
        ObjectId words = add(passphrase, "words");
        try (Vault vault = open(passphrase)) {
            requireFailure(
                    () -> vault.keySlots().replace(words, Passphrase.of("short"), "words"),
                    Kind.KEY_FILE,
                    "vault.passphrase-short");
            ObjectId none = new ObjectId(0, 1);
            requireFailure(
                    () -> vault.keySlots().replace(none, wrong, "words"),
                    Kind.NOT_FOUND,
                    "vault.no-such-slot");
            assertThat(vault.keySlots().list()).hasSize(2);
        }
        open(passphrase).close();
    }

    @Test
    void slotsAreFoundByTheFirstDigitsOfTheirId() {
        ObjectId added = add(KeyFile.random(randomness), "other");
        try (Vault vault = open(key)) {
            KeySlots slots = vault.keySlots();
            assertThat(slots.find(added.toString().substring(0, 12)).id()).isEqualTo(added);
            requireFailure(() -> slots.find("xyz"), Kind.NOT_FOUND, "vault.no-such-slot");
            requireFailure(() -> slots.find(""), Kind.NOT_FOUND, "vault.ambiguous-slot");
            requireFailure(
                    () -> slots.remove(new ObjectId(0, 1), true),
                    Kind.NOT_FOUND,
                    "vault.no-such-slot");
        }
    }

    @Test
    void slotsAreAddedUpToABound() {
        try (Vault vault = open(key)) {
            KeySlots slots = vault.keySlots();
            for (int i = 1; i < KeySlots.COUNT_MAX; i++) {
                slots.add(KeyFile.random(randomness), "slot " + i);
            }
            requireFailure(
                    () -> slots.add(KeyFile.random(randomness), "one more"),
                    Kind.EXISTS,
                    "vault.slots-full");
        }
        open(key).close();
    }

    @Test
    void aStoreFullOfPassphraseSlotsIsGivenUpAndAKeyFileStillOpensIt() throws IOException {
        fillWithJunk(Files.readAllBytes(file(add(passphrase, "words"))));
        long work = 64L * 8;
        requireFailure(
                () -> Unlocked.by(wrong, store(), work), Kind.DAMAGED, "vault.too-many-slots");
        try (Vault vault = open(key)) {
            vault.keySlots().add(KeyFile.random(randomness), "one more");
        }
    }

    @Test
    void junkSlotsDoNotLockAnOlderPassphraseOut() throws IOException {
        fillWithJunk(Files.readAllBytes(file(add(passphrase, "words"))));
        open(passphrase).close();
        long usual = 3L * 65_536;
        assertThat(Unlocked.by(passphrase, store(), 8 + usual).slot().label()).isEqualTo("words");
    }

    @Test
    void junkSlotsDoNotLockAYoungerPassphraseOut() throws IOException {
        ObjectId model = add(passphrase, "model");
        fillWithJunk(Files.readAllBytes(file(model)));
        Files.delete(file(model));
        add(passphrase, "words");
        open(passphrase).close();
    }

    @Test
    void verificationNamesAJunkSlot() throws IOException {
        fillWithJunk(Files.readAllBytes(file(add(passphrase, "words"))));
        try (Vault vault = open(key)) {
            assertThat(vault.verify(new Cancellation(), _ -> {}).problems())
                    .hasSize(70)
                    .allMatch(problem -> problem.toString().contains("keys/"));
        }
    }

    private void fillWithJunk(byte[] slot) throws IOException {
        // The cheapest effort that is granted, so that the test is quick.
        ByteBuffer.wrap(slot).putInt(36, 8).putInt(40, 1).putInt(44, 1);
        for (int i = 0; i < 70; i++) {
            // Before all others in the order of ids, not in that of time.
            ObjectId id = new ObjectId(0, i);
            byte[] copy = slot.clone();
            System.arraycopy(id.bytes(), 0, copy, 12, ObjectId.LENGTH);
            ByteBuffer.wrap(copy).putInt(28, Checksum.of(copy, 0, 28));
            Files.write(file(id), copy);
            forge(id, _ -> {});
        }
    }

    @Test
    void checkingACredentialReadsNoData() {
        add(passphrase, "words");
        List<String> read = new ArrayList<>();
        ObjectStore watched =
                new ForwardingStore(store()) {
                    @Override
                    public StoredObject open(ObjectName name) {
                        read.add(name.area().folder());
                        return super.open(name);
                    }

                    @Override
                    public void list(Area area, Consumer<Listed> visitor) {
                        read.add(area.folder());
                        super.list(area, visitor);
                    }

                    @Override
                    public Upload create(ObjectName name) {
                        throw new AssertionError(name);
                    }

                    @Override
                    public void delete(ObjectName name) {
                        throw new AssertionError(name);
                    }
                };
        KeySlots.Fit fit = KeySlots.check(watched, passphrase);
        assertThat(fit.type()).isEqualTo(KeySlot.Type.PASSPHRASE);
        assertThat(fit.label()).isEqualTo("words");
        assertThat(read).isSubsetOf("vault", "keys");
    }

    private List<String> dataFiles() throws IOException {
        try (Stream<Path> files = Files.walk(folder)) {
            return files.filter(Files::isRegularFile)
                    .map(file -> folder.relativize(file).toString())
                    .filter(name -> !name.startsWith("keys"))
                    .sorted()
                    .toList();
        }
    }
}
