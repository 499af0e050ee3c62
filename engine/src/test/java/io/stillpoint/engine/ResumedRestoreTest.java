package io.stillpoint.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stillpoint.hypervisor.KeptSnapshots;
import io.stillpoint.platform.ByteSize;
import io.stillpoint.platform.Cancellation;
import io.stillpoint.platform.Json;
import io.stillpoint.platform.ProcessResources;
import io.stillpoint.platform.Randomness;
import io.stillpoint.platform.Threads;
import io.stillpoint.vault.Vault;
import io.stillpoint.vault.crypto.KeyFile;
import io.stillpoint.vault.point.Consistency;
import io.stillpoint.vault.point.RecoveryPoint;
import io.stillpoint.vault.store.LocalStore;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// A restore that ends before or after any record of its journal is gone on with.
final class ResumedRestoreTest {
    @TempDir private Path folder;
    private final byte[] content = new byte[300_000];
    private Vault vault;
    private RecoveryPoint point;

    private static final class Ended extends Error {
        private static final long serialVersionUID = 1L;
    }

    /// Keeps records as JSON, and ends the process at one of them.
    private static final class EndingJournal implements JobJournal {
        private final String end;
        private final boolean isBefore;
        private byte[] last = {};

        EndingJournal(String end, boolean isBefore) {
            this.end = end;
            this.isBefore = isBefore;
        }

        @Override
        public void write(JobRecord record) {
            boolean isEnd = record.state().equals(end);
            if (isEnd && isBefore) {
                throw new Ended();
            }
            last = Json.bytes(record.json());
            if (isEnd) {
                throw new Ended();
            }
        }

        @Override
        public Optional<JobRecord> last() {
            return last.length == 0
                    ? Optional.empty()
                    : Optional.of(JobRecord.of(Json.parse(last)));
        }

        @Override
        public KeptSnapshots kept() {
            return KeptSnapshots.NONE;
        }

        @Override
        public boolean outlivesProcess() {
            return true;
        }

        /// As the next process has it.
        EndingJournal next() {
            EndingJournal next = new EndingJournal("", false);
            next.last = last.clone();
            return next;
        }
    }

    @BeforeEach
    void makePoint() {
        new Random(1).nextBytes(content);
        vault =
                Vault.init(
                        new LocalStore(folder.resolve("vault")),
                        KeyFile.create(folder.resolve("key"), Randomness.secure()),
                        new Vault.Surroundings(
                                Randomness.secure(),
                                InstantSource.system(),
                                ProcessResources.ofThisProcess()));
        Duration minute = Duration.ofMinutes(1);
        BackupSettings settings =
                new BackupSettings(
                        "web",
                        new BackupPolicy(
                                Consistency.CRASH,
                                new RestLimits(minute, minute),
                                BackupPolicy.Vss.EXTENSION,
                                false,
                                Optional.empty()),
                        Optional.empty(),
                        new ScratchSettings(folder.resolve("scratch"), ByteSize.parse("1G")),
                        "test");
        point =
                new BackupJob(
                                vault,
                                JobVm.of(new FakeVm(content)),
                                settings,
                                tools(new MemoryJournal()))
                        .run()
                        .orThrow();
    }

    @AfterEach
    void close() {
        vault.close();
    }

    private static JobTools tools(JobJournal journal) {
        return new JobTools(
                journal,
                JobEvents.SILENT,
                new Cancellation(),
                InstantSource.system(),
                Randomness.secure(),
                Threads.ofProcess());
    }

    /// Begins a restore whose process ends at a record, and returns the journal as the next process has it.
    private EndingJournal endedAt(String state, boolean isBefore, Path file) {
        EndingJournal journal = new EndingJournal(state, isBefore);
        assertThatThrownBy(() ->
                        new RestoreJob(vault, tools(journal))
                                .run(
                                        point,
                                        List.of(
                                                new RestoreTask(
                                                        "disk", file, RestoreTask.Form.RAW))))
                .isInstanceOf(Ended.class);
        return journal.next();
    }

    @ParameterizedTest
    @CsvSource({
        "chosen,false",
        "targets-made,true",
        "targets-made,false",
        "room-checked,true",
        "room-checked,false",
        "written,true",
        "written,false",
        "finished,true",
        "finished,false"
    })
    void goesOn(String state, boolean isBefore) throws IOException {
        Path file = folder.resolve("disk.raw");
        EndingJournal next = endedAt(state, isBefore, file);
        boolean wasComplete = state.equals("finished");
        assertThat(Files.exists(file)).isEqualTo(wasComplete);
        assertThat(new RestoreJob(vault, tools(next)).resume())
                .isInstanceOf(RestoreOutcome.Restored.class);
        assertThat(Files.readAllBytes(file)).isEqualTo(content);
        assertThat(Files.exists(folder.resolve("disk.raw.partial"))).isFalse();
        assertThat(next.last().orElseThrow().isFinal()).isTrue();
    }

    /// The name is somebody else's.
    @Test
    void aFileThatIsNotOursIsNeverTakenForTheDisk() throws IOException {
        Path file = folder.resolve("disk.raw");
        EndingJournal next = endedAt("written", false, file);
        Files.writeString(file, "another's");
        RestoreOutcome outcome = new RestoreJob(vault, tools(next)).resume();
        assertThat(outcome)
                .isInstanceOfSatisfying(
                        RestoreOutcome.Failed.class,
                        failed ->
                                assertThat(failed.why().code()).isEqualTo("restore.target-exists"));
        assertThat(file).hasContent("another's");
    }
}
