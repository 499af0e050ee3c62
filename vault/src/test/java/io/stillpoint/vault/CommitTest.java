package io.stillpoint.vault;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stillpoint.platform.Cancellation;
import io.stillpoint.vault.point.RecoveryPoint;
import io.stillpoint.vault.session.BackupSession;
import io.stillpoint.vault.session.DiskInput;
import io.stillpoint.vault.session.Scan;
import io.stillpoint.vault.session.StoredDisk;
import io.stillpoint.vault.store.ForwardingStore;
import io.stillpoint.vault.store.ObjectName;
import io.stillpoint.vault.store.ObjectName.Area;
import io.stillpoint.vault.store.ObjectStore;
import io.stillpoint.vault.store.VaultException;
import io.stillpoint.vault.store.VaultException.Kind;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// What a commit says of the point, and what the point says of itself.
final class CommitTest {
    private static final int CHUNK = TestVault.CHUNK;
    private static final Scan EVERYTHING = new Scan.Everything(Optional.empty());

    @TempDir Path folder;
    private TestVault vault;

    @BeforeEach
    void make() throws IOException {
        vault = TestVault.make(Files.createDirectory(folder.resolve("vault")));
    }

    @AfterEach
    void close() {
        vault.close();
    }

    /// Fails when a point is made, before or after it is written.
    private static final class FailingStore extends ForwardingStore {
        private final boolean writes;

        FailingStore(ObjectStore store, boolean writes) {
            super(store);
            this.writes = writes;
        }

        @Override
        public Upload create(ObjectName name) {
            Upload upload = super.create(name);
            if (name.area() != Area.POINTS) {
                return upload;
            }
            return new ForwardingUpload(upload) {
                @Override
                public void commit() {
                    if (writes) {
                        upload.commit();
                    }
                    throw new VaultException(
                            Kind.STORE, "vault.store-failed", null, "s", "write", name, "timeout");
                }
            };
        }
    }

    private RecoveryPoint commitTo(Vault opened) {
        try (BackupSession session =
                opened.backup(Optional.empty(), new Cancellation(), (_, _) -> {})) {
            return vault.commit(session, stored(session, TestVault.random(CHUNK, 1)));
        }
    }

    private static StoredDisk stored(BackupSession session, byte[] content) {
        return session.store(List.of(new DiskInput("disk", new MemoryDisk(content), EVERYTHING)))
                .getFirst();
    }

    @Test
    void aPointThatIsThereWasMadeWhateverTheStoreAnswered() {
        try (Vault failing = vault.open(new FailingStore(vault.store(), true))) {
            RecoveryPoint point = commitTo(failing);
            assertThat(vault.vault().points()).containsExactly(point);
        }
    }

    @Test
    void aStoreThatDoesNotTellIsNotTakenForOneThatMadeNone() {
        try (Vault failing = vault.open(new FailingStore(vault.store(), false))) {
            assertThatThrownBy(() -> commitTo(failing))
                    .isInstanceOfSatisfying(
                            VaultException.class,
                            e -> assertThat(e.code()).isEqualTo("vault.commit-unknown"))
                    .hasMessageContaining("is not known");
        }
    }

    /// What the files of a vault take, but for points and sessions.
    private long storedBytes() {
        long[] bytes = new long[1];
        for (Area area : List.of(Area.PACKS, Area.INDEX)) {
            vault.vault()
                    .parts()
                    .contents()
                    .store()
                    .list(area, listed -> bytes[0] += listed.size());
        }
        return bytes[0];
    }

    @Test
    void aPointSaysWhatItAddedToTheStore() {
        RecoveryPoint first = vault.full(TestVault.random(9 * CHUNK, 1));
        assertThat(first.storedBytes()).isEqualTo(storedBytes());
        RecoveryPoint second = vault.full(TestVault.random(5 * CHUNK, 2));
        assertThat(first.storedBytes() + second.storedBytes()).isEqualTo(storedBytes());
    }

    @Test
    void aPointThatAddsNothingSaysSoInALongProcessToo() {
        byte[] content = TestVault.random(9 * CHUNK, 1);
        vault.full(content);
        for (int i = 0; i < 3; i++) {
            assertThat(vault.full(content).storedBytes()).isZero();
        }
    }

    @Test
    void twoBackupsOfOneProcessCountTheirOwn() {
        RecoveryPoint within;
        RecoveryPoint around;
        try (BackupSession session =
                vault.vault().backup(Optional.empty(), new Cancellation(), (_, _) -> {})) {
            StoredDisk stored = stored(session, TestVault.random(2 * CHUNK, 1));
            within = vault.full(TestVault.random(30 * CHUNK, 2));
            around = vault.commit(session, stored);
        }
        assertThat(around.storedBytes()).isBetween(2L * CHUNK, 3L * CHUNK);
        assertThat(within.storedBytes() + around.storedBytes()).isEqualTo(storedBytes());
    }
}
