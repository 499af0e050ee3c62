package io.stillpoint.engine;

import io.stillpoint.hypervisor.HypervisorException;
import io.stillpoint.hypervisor.SnapshotName;
import io.stillpoint.platform.Json;
import io.stillpoint.platform.disk.Reason;
import java.time.DateTimeException;
import java.util.Optional;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/// How far a job is, as its journal says it (`docs/job.md`, "Jobs that survive"). As JSON:
///
/// ```
/// {"format": 1, "kind": "backup" | "restore", "state": STATE, "job": ID, …}
/// ```
///
/// A state's fields are its own and those of the states before it.
public sealed interface JobRecord permits BackupRecord, RestoreRecord {
    /// The version that is written, and the only one that is read.
    int FORMAT = 1;

    /// Whose record it is.
    JobId job();

    /// The stable word for the state.
    String state();

    /// Whether the job has come to its end: nothing is left of it that must be found again.
    default boolean isFinal() {
        return false;
    }

    /// The snapshot that no sweep may remove while this is the last record.
    default Optional<SnapshotName> snapshot() {
        return Optional.empty();
    }

    /// As it is stored; [#of] reads it.
    ObjectNode json();

    /// Reads what [#json] wrote. Throws a [JobException] with code `engine.journal-unreadable` if it is no record, or one
    /// of another version.
    static JobRecord of(JsonNode json) {
        try {
            if (json.required("format").asInt() != FORMAT) {
                throw JobException.unreadable("format " + json.path("format"), null);
            }
            String kind = json.required("kind").asString();
            return switch (kind) {
                case BackupRecord.KIND -> BackupRecord.read(json);
                case RestoreRecord.KIND -> RestoreRecord.read(json);
                default -> throw JobException.unreadable("kind " + kind, null);
            };
        } catch (JacksonException
                | IllegalArgumentException
                | DateTimeException
                | HypervisorException e) {
            throw JobException.unreadable(Reason.of(e), e);
        }
    }

    /// The fields that all records have.
    static ObjectNode header(String kind, JobRecord record) {
        return Json.object()
                .put("format", FORMAT)
                .put("kind", kind)
                .put("state", record.state())
                .put("job", record.job().value());
    }
}
