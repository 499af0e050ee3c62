package io.stillpoint.engine;

import static org.assertj.core.api.Assertions.assertThat;

import io.stillpoint.engine.RescueJob.Outcome;
import io.stillpoint.engine.RescueJob.Rescued;
import io.stillpoint.platform.Cancellation;
import io.stillpoint.platform.Json;
import io.stillpoint.platform.ProcessResources;
import io.stillpoint.platform.Randomness;
import io.stillpoint.platform.block.BlockSource;
import io.stillpoint.platform.block.Extent;
import io.stillpoint.vault.Vault;
import io.stillpoint.vault.crypto.KeyFile;
import io.stillpoint.vault.point.Consistency;
import io.stillpoint.vault.point.PointDisk;
import io.stillpoint.vault.point.PointDraft;
import io.stillpoint.vault.point.RecoveryPoint;
import io.stillpoint.vault.session.BackupSession;
import io.stillpoint.vault.session.DiskInput;
import io.stillpoint.vault.session.Scan;
import io.stillpoint.vault.session.StoredDisk;
import io.stillpoint.vault.store.LocalStore;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// What is there already counts as rescued only if it is what the point holds, and nobody else can exchange it.
final class RescueJobTest {
    private static final int CHUNK = 65_536;
    private static final int NOBODY = 65_534;

    @TempDir Path folder;
    private Vault vault;
    private RecoveryPoint point;
    private byte[] content;

    @BeforeEach
    void make() {
        KeyFile key = KeyFile.create(folder.resolve("key"), Randomness.secure());
        vault =
                Vault.init(
                        new LocalStore(folder.resolve("vault")),
                        key,
                        new Vault.Surroundings(
                                Randomness.secure(),
                                InstantSource.system(),
                                ProcessResources.ofThisProcess()));
        // A hole in its middle, and an odd end.
        content = new byte[5 * CHUNK + 512];
        System.arraycopy(Randomness.secure().bytes(2 * CHUNK), 0, content, 0, 2 * CHUNK);
        System.arraycopy(Randomness.secure().bytes(512), 0, content, 5 * CHUNK, 512);
        point = stored();
    }

    @AfterEach
    void close() {
        vault.close();
    }

    /// A disk with these bytes.
    private record Content(byte[] bytes) implements BlockSource {
        @Override
        public long size() {
            return bytes.length;
        }

        @Override
        public Iterator<Extent> dataExtents() {
            return List.of(new Extent(0, bytes.length)).iterator();
        }

        @Override
        public void read(long offset, byte[] into, int at, int length) {
            System.arraycopy(bytes, Math.toIntExact(offset), into, at, length);
        }

        @Override
        public void close() {}
    }

    private RecoveryPoint stored() {
        Instant now = InstantSource.system().instant();
        try (BackupSession session =
                vault.backup(Optional.empty(), new Cancellation(), (_, _) -> {})) {
            StoredDisk stored =
                    session.store(
                                    List.of(
                                            new DiskInput(
                                                    "a",
                                                    new Content(content),
                                                    new Scan.Everything(Optional.empty()))))
                            .getFirst();
            PointDisk disk =
                    new PointDisk(
                            "a",
                            stored.image(),
                            "raw",
                            Optional.empty(),
                            PointDisk.Method.FULL,
                            "first-backup",
                            stored.changedBytes(),
                            stored.readBytes(),
                            stored.newBytes());
            return session.commit(
                    new PointDraft(
                            "web",
                            Json.object(),
                            now,
                            now,
                            Consistency.STOPPED,
                            "",
                            OptionalLong.empty(),
                            List.of(disk),
                            "test",
                            Optional.empty(),
                            Optional.empty()));
        }
    }

    private Path target() {
        return folder.resolve("rescued");
    }

    private Path image() {
        return target().resolve("web-" + point.id().toString().substring(0, 12)).resolve("a.raw");
    }

    private Rescued rescue() {
        return new RescueJob(vault, target(), false, JobReporter.SILENT, new Cancellation())
                .run(List.of(point))
                .getFirst();
    }

    private void requireRefused(String words) {
        Rescued rescued = rescue();
        assertThat(rescued.outcome()).isEqualTo(Outcome.FAILED);
        assertThat(rescued.message().toString()).contains(words);
    }

    @Test
    void aSecondRunComparesWhatTheFirstRestored() throws IOException {
        assertThat(rescue().outcome()).isEqualTo(Outcome.RESTORED);
        assertThat(image()).hasBinaryContent(content);
        assertThat(rescue().outcome()).isEqualTo(Outcome.ALREADY_THERE);
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 3 * CHUNK + 7, 5 * CHUNK + 511})
    void anImageThatWasWrittenToSinceIsLeftAloneAndTold(int at) throws IOException {
        assertThat(rescue().outcome()).isEqualTo(Outcome.RESTORED);
        byte[] other = content.clone();
        other[at] ^= 1;
        Files.write(image(), other);
        requireRefused("does not hold what the recovery point does");
        assertThat(image()).hasBinaryContent(other);
    }

    @ParameterizedTest
    @ValueSource(ints = {5, 5 * CHUNK + 513})
    void anImageOfAnotherLengthIsLeftAloneAndTold(int length) throws IOException {
        Files.createDirectories(
                image().getParent(),
                PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
        Files.write(image(), Arrays.copyOf(content, length));
        requireRefused("does not hold what the recovery point does");
    }

    @Test
    void aLinkIsNoImage() throws IOException {
        assertThat(rescue().outcome()).isEqualTo(Outcome.RESTORED);
        Path elsewhere = folder.resolve("elsewhere");
        Files.move(image(), elsewhere);
        Files.createSymbolicLink(image(), elsewhere);
        requireRefused("is a link or no file");
    }

    @Test
    void aFolderThatLeadsElsewhereIsNotFollowed() throws IOException {
        Path elsewhere = Files.createDirectory(folder.resolve("elsewhere"));
        Files.createDirectories(target());
        Files.createSymbolicLink(image().getParent(), elsewhere);
        requireRefused("is a link, belongs to another user");
        assertThat(elsewhere).isEmptyDirectory();
    }

    @Test
    void aFolderThatOthersMayWriteToIsNotUsed() throws IOException {
        Files.createDirectories(image().getParent());
        Files.setPosixFilePermissions(
                image().getParent(), PosixFilePermissions.fromString("rwxrwxrwx"));
        requireRefused("can be written by others");
    }

    @Test
    void anImageOfAnotherUserIsNotTakenThoughItIsEqual() throws IOException {
        assertThat(rescue().outcome()).isEqualTo(Outcome.RESTORED);
        try {
            Files.setAttribute(image(), "unix:uid", NOBODY);
        } catch (IOException | UnsupportedOperationException e) {
            // Who may not give files away can't try it.
            return;
        }
        requireRefused("belongs to another user");
    }
}
