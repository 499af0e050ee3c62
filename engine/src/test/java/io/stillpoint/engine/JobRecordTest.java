package io.stillpoint.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stillpoint.engine.BackupRecord.Begun;
import io.stillpoint.engine.BackupRecord.Held;
import io.stillpoint.engine.BackupRecord.Preparing;
import io.stillpoint.engine.BackupRecord.Storing;
import io.stillpoint.engine.RestoreRecord.Chosen;
import io.stillpoint.engine.RestoreRecord.WrittenDisk;
import io.stillpoint.hypervisor.SnapshotDescriptor;
import io.stillpoint.hypervisor.SnapshotName;
import io.stillpoint.hypervisor.VmId;
import io.stillpoint.platform.Json;
import io.stillpoint.platform.Randomness;
import io.stillpoint.vault.point.Consistency;
import io.stillpoint.vault.point.SealedPoint;
import io.stillpoint.vault.session.SessionRecord;
import io.stillpoint.vault.store.ObjectId;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.node.ObjectNode;

/// What a journal keeps of a job is what the job wrote.
final class JobRecordTest {
    private static final JobId JOB = new JobId("a1");
    private static final Instant AT = Instant.parse("2026-11-27T06:00:00.123456789Z");

    private static ObjectId id() {
        return ObjectId.random(Randomness.secure());
    }

    private static Stream<JobRecord> records() {
        Begun bare =
                new Begun(
                        JOB,
                        Optional.empty(),
                        "web",
                        AT,
                        Optional.empty(),
                        Json.object(),
                        Optional.empty(),
                        Optional.empty());
        Begun begun =
                new Begun(
                        JOB,
                        Optional.of(new VmId("vm-0")),
                        "web",
                        AT,
                        Optional.of(id()),
                        Json.object().put("uuid", "u"),
                        Optional.of(Json.object().put("host", "h")),
                        Optional.of(AT.plusSeconds(9)));
        SnapshotName name = new SnapshotName("00112233", "0011223344556677");
        Preparing preparing = begun.preparing(name);
        Held held =
                preparing.held(
                        new SnapshotDescriptor(
                                "fake",
                                name,
                                List.of(
                                        new SnapshotDescriptor.Disk(
                                                "d",
                                                5,
                                                "raw",
                                                Optional.of("g"),
                                                Optional.empty(),
                                                Optional.of("c"))),
                                Json.object().put("run", 1)),
                        new InstantReport(
                                AT,
                                Consistency.FILE_SYSTEM,
                                "guest.no-scripts",
                                OptionalLong.of(12),
                                Json.object().put("way", "agent")));
        Storing storing = held.storing(new SessionRecord(id(), Optional.of(id())));
        ObjectId point = id();
        Chosen chosen =
                new Chosen(
                        JOB,
                        point,
                        List.of(
                                new RestoreTask("a", Path.of("/x/a.raw"), RestoreTask.Form.RAW),
                                new RestoreTask(
                                        "b", Path.of("/dev/b"), RestoreTask.Form.OVERWRITE)));
        RestoreRecord.Written written =
                chosen.targetsMade()
                        .roomChecked()
                        .nothingWritten()
                        .and(new WrittenDisk("a", Optional.of("(dev=1,ino=2)")));
        return Stream.of(
                bare,
                begun,
                preparing,
                held,
                storing,
                storing.sealed(new SealedPoint(point, new byte[] {1, 2, 3})),
                storing.committed(point),
                storing.committed(point).finished(List.of("vault.lock-failed")),
                new BackupRecord.Failed(JOB, "code", "text"),
                chosen,
                chosen.targetsMade(),
                chosen.targetsMade().roomChecked(),
                written,
                written.and(new WrittenDisk("b", Optional.empty())).finished(),
                new RestoreRecord.Failed(JOB, "code", "text", List.of("a")));
    }

    @ParameterizedTest
    @MethodSource("records")
    void isReadAsItWasWritten(JobRecord record) {
        JobRecord read = JobRecord.of(Json.parse(Json.bytes(record.json())));
        assertThat(read).isEqualTo(record);
        assertThat(read.isFinal()).isEqualTo(record.isFinal());
        assertThat(read.snapshot()).isEqualTo(record.snapshot());
    }

    @Test
    void whatIsNoRecordIsRefused() {
        ObjectNode newer = records().findFirst().orElseThrow().json().put("format", 2);
        ObjectNode odd = records().findFirst().orElseThrow().json().put("state", "odd");
        ObjectNode cut = records().findFirst().orElseThrow().json();
        cut.remove("startedAt");
        for (ObjectNode json : List.of(newer, odd, cut, Json.object())) {
            assertThatThrownBy(() -> JobRecord.of(json))
                    .isInstanceOfSatisfying(
                            JobException.class,
                            e -> assertThat(e.code()).isEqualTo("engine.journal-unreadable"));
        }
    }
}
