package io.stillpoint.vault;

import io.stillpoint.platform.Cancellation;
import io.stillpoint.platform.Json;
import io.stillpoint.platform.ProcessResources;
import io.stillpoint.platform.Randomness;
import io.stillpoint.vault.crypto.KeyFile;
import io.stillpoint.vault.point.Consistency;
import io.stillpoint.vault.point.DiskImage;
import io.stillpoint.vault.point.PointDisk;
import io.stillpoint.vault.point.PointDraft;
import io.stillpoint.vault.point.RecoveryPoint;
import io.stillpoint.vault.session.BackupSession;
import io.stillpoint.vault.session.DiskInput;
import io.stillpoint.vault.session.Scan;
import io.stillpoint.vault.session.StoredDisk;
import io.stillpoint.vault.session.VaultSettings;
import io.stillpoint.vault.store.LocalStore;
import io.stillpoint.vault.store.ObjectStore;
import io.stillpoint.vault.verify.Verification;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Random;

/// A vault in a folder, with a clock that goes on by a second for each point.
final class TestVault implements AutoCloseable {
    static final int CHUNK = 65_536;

    private final Path folder;
    private final KeyFile key;
    private VaultSettings settings = VaultSettings.DEFAULT;
    private Vault vault;
    private Instant now = InstantSource.system().instant();
    private Randomness randomness = Randomness.secure();

    private TestVault(Path folder, KeyFile key, boolean isNew) {
        this.folder = folder;
        this.key = key;
        vault =
                isNew
                        ? Vault.init(
                                store(),
                                key,
                                new Vault.Surroundings(
                                        Randomness.secure(),
                                        () -> now,
                                        ProcessResources.ofThisProcess()))
                        : Vault.open(
                                store(),
                                key,
                                new Vault.Surroundings(
                                        Randomness.secure(),
                                        () -> now,
                                        ProcessResources.ofThisProcess()));
    }

    /// Makes `vault` and `key` in the folder.
    static TestVault make(Path folder) {
        KeyFile key = KeyFile.create(folder.resolve("key"), Randomness.secure());
        return new TestVault(folder, key, true);
    }

    static TestVault open(Path folder) {
        return new TestVault(folder, KeyFile.read(folder.resolve("key")), false);
    }

    LocalStore store() {
        return new LocalStore(folder.resolve("vault"));
    }

    Vault vault() {
        return vault;
    }

    /// The vault through another way to its store.
    Vault open(ObjectStore store) {
        return Vault.open(store, key, surroundings());
    }

    /// Has this process's clock leap.
    void leap(Duration by) {
        now = now.plus(by);
    }

    void reopen() {
        vault.close();
        vault = Vault.open(store(), key, surroundings());
    }

    private Vault.Surroundings surroundings() {
        return new Vault.Surroundings(
                randomness, () -> now, ProcessResources.ofThisProcess(), settings);
    }

    /// Goes on with other settings; the vault is opened anew.
    void use(VaultSettings others) {
        settings = others;
        reopen();
    }

    /// Goes on with ids from there; the vault is opened anew.
    void draw(Randomness others) {
        randomness = others;
        reopen();
    }

    static byte[] random(int length, long seed) {
        byte[] bytes = new byte[length];
        new Random(seed).nextBytes(bytes);
        return bytes;
    }

    RecoveryPoint full(byte[] content) {
        return backup(content, new Scan.Everything(Optional.empty()));
    }

    RecoveryPoint backup(byte[] content, Scan scan) {
        try (BackupSession session =
                vault.backup(Optional.empty(), new Cancellation(), (_, _) -> {})) {
            StoredDisk stored =
                    session.store(List.of(new DiskInput("disk", new MemoryDisk(content), scan)))
                            .getFirst();
            return commit(session, stored);
        }
    }

    /// A full point that can't be forgotten for a while.
    RecoveryPoint locked(byte[] content, Duration lock) {
        Scan scan = new Scan.Everything(Optional.empty());
        try (BackupSession session =
                vault.backup(Optional.empty(), new Cancellation(), (_, _) -> {})) {
            StoredDisk stored =
                    session.store(List.of(new DiskInput("disk", new MemoryDisk(content), scan)))
                            .getFirst();
            return commit(
                    session, stored, Optional.of(InstantSource.system().instant().plus(lock)));
        }
    }

    RecoveryPoint commit(BackupSession session, StoredDisk stored) {
        return commit(session, stored, Optional.empty());
    }

    private RecoveryPoint commit(
            BackupSession session, StoredDisk stored, Optional<Instant> lockedUntil) {
        return session.commit(draft("vm", stored, lockedUntil));
    }

    /// What a point of a VM is made from.
    PointDraft draft(String vm, StoredDisk stored) {
        return draft(vm, stored, Optional.empty());
    }

    private PointDraft draft(String vm, StoredDisk stored, Optional<Instant> lockedUntil) {
        now = now.plusSeconds(1);
        PointDisk disk =
                new PointDisk(
                        "disk",
                        stored.image(),
                        "raw",
                        Optional.of("0123456789abcdef"),
                        PointDisk.Method.FULL,
                        "first-backup",
                        stored.changedBytes(),
                        stored.readBytes(),
                        stored.newBytes());
        return new PointDraft(
                vm,
                Json.object().put("name", vm),
                now,
                now,
                Consistency.STOPPED,
                "",
                OptionalLong.empty(),
                List.of(disk),
                "test",
                lockedUntil,
                Optional.empty());
    }

    byte[] restored(RecoveryPoint point) {
        DiskImage image = point.disks().getFirst().image();
        MemoryDisk target = new MemoryDisk(new byte[(int) image.size()]);
        vault.restore(image, target, new Cancellation(), _ -> {});
        return target.content();
    }

    Verification verify() {
        return vault.verify(new Cancellation(), _ -> {});
    }

    @Override
    public void close() {
        vault.close();
    }
}
