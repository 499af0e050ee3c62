package io.stillpoint.engine;

import io.stillpoint.hypervisor.SnapshotDescriptor;
import io.stillpoint.hypervisor.SnapshotName;
import io.stillpoint.hypervisor.VmId;
import io.stillpoint.platform.Json;
import io.stillpoint.platform.StillpointException;
import io.stillpoint.vault.point.SealedPoint;
import io.stillpoint.vault.session.SessionRecord;
import io.stillpoint.vault.store.ObjectId;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/// How far a backup is. Each record is made from the one before it, and holds it.
public sealed interface BackupRecord extends JobRecord {
    /// The word for backups.
    String KIND = "backup";

    /// What the job has found out before it disturbed anything.
    ///
    /// @param vm by which its hypervisor finds the VM, if the job was told
    /// @param name under which the points are kept
    /// @param startedAt when the job began
    /// @param base the point that the new one builds on
    /// @param identity which machine it is, as it goes into the point
    /// @param clock what speaks against this host's clock, as it goes into the point; empty if nothing does
    /// @param lockedUntil before this the point can't be forgotten
    record Begun(
            JobId job,
            Optional<VmId> vm,
            String name,
            Instant startedAt,
            Optional<ObjectId> base,
            ObjectNode identity,
            Optional<ObjectNode> clock,
            Optional<Instant> lockedUntil)
            implements BackupRecord {
        /// A snapshot of this name is about to be prepared.
        Preparing preparing(SnapshotName name) {
            return new Preparing(this, name);
        }

        @Override
        public String state() {
            return "begun";
        }

        @Override
        public ObjectNode json() {
            return json(this);
        }

        private ObjectNode json(BackupRecord record) {
            ObjectNode json = JobRecord.header(KIND, record);
            vm.ifPresent(id -> json.put("vm", id.text()));
            json.put("name", name).put("startedAt", startedAt.toString());
            base.ifPresent(point -> json.put("base", point.toString()));
            json.set("identity", identity.deepCopy());
            clock.ifPresent(findings -> json.set("clock", findings.deepCopy()));
            lockedUntil.ifPresent(until -> json.put("lockedUntil", until.toString()));
            return json;
        }
    }

    /// A snapshot of this name may be in the hypervisor. What the guest said of it is not known, so it can't be adopted.
    record Preparing(Begun begun, SnapshotName name) implements BackupRecord {
        /// The snapshot is taken, and the guest runs again.
        Held held(SnapshotDescriptor descriptor, InstantReport report) {
            if (!descriptor.name().equals(name)) {
                throw new IllegalArgumentException(descriptor.name() + ", not " + name);
            }
            return new Held(begun, descriptor, report);
        }

        @Override
        public JobId job() {
            return begun.job();
        }

        @Override
        public String state() {
            return "preparing";
        }

        @Override
        public Optional<SnapshotName> snapshot() {
            return Optional.of(name);
        }

        @Override
        public ObjectNode json() {
            return begun.json(this).put("snapshot", name.toString());
        }
    }

    /// A snapshot is held.
    record Held(Begun begun, SnapshotDescriptor descriptor, InstantReport report)
            implements BackupRecord {
        /// A session is open in the vault.
        Storing storing(SessionRecord session) {
            return new Storing(this, session);
        }

        @Override
        public JobId job() {
            return begun.job();
        }

        @Override
        public String state() {
            return "held";
        }

        @Override
        public Optional<SnapshotName> snapshot() {
            return Optional.of(descriptor.name());
        }

        @Override
        public ObjectNode json() {
            return json(this);
        }

        private ObjectNode json(BackupRecord record) {
            ObjectNode json = begun.json(record);
            json.set("descriptor", descriptor.json());
            json.set("instant", report.json());
            return json;
        }
    }

    /// Content of the snapshot's disks may be in the vault.
    record Storing(Held held, SessionRecord session) implements BackupRecord {
        /// Everything is stored, and the point's bytes are fixed.
        Sealed sealed(SealedPoint point) {
            return new Sealed(this, point);
        }

        /// The point exists.
        Committed committed(ObjectId point) {
            return new Committed(this, point);
        }

        @Override
        public JobId job() {
            return held.job();
        }

        @Override
        public String state() {
            return "storing";
        }

        @Override
        public Optional<SnapshotName> snapshot() {
            return held.snapshot();
        }

        @Override
        public ObjectNode json() {
            return json(this);
        }

        private ObjectNode json(BackupRecord record) {
            ObjectNode json = held.json(record);
            json.set("session", session.json());
            return json;
        }
    }

    /// The point may exist.
    record Sealed(Storing storing, SealedPoint point) implements BackupRecord {
        @Override
        public JobId job() {
            return storing.job();
        }

        @Override
        public String state() {
            return "sealed";
        }

        @Override
        public Optional<SnapshotName> snapshot() {
            return storing.snapshot();
        }

        @Override
        public ObjectNode json() {
            ObjectNode json = storing.json(this);
            json.set("sealed", point.json());
            return json;
        }
    }

    /// The point exists; its snapshot may still be held.
    record Committed(Storing storing, ObjectId point) implements BackupRecord {
        /// The snapshot is let go of.
        ///
        /// @param unfinished codes of what failed after the commit
        Finished finished(List<String> unfinished) {
            return new Finished(storing.held().begun(), point, unfinished);
        }

        @Override
        public JobId job() {
            return storing.job();
        }

        @Override
        public String state() {
            return "committed";
        }

        @Override
        public Optional<SnapshotName> snapshot() {
            return storing.snapshot();
        }

        @Override
        public ObjectNode json() {
            return storing.json(this).put("point", point.toString());
        }
    }

    /// The job has made its point.
    ///
    /// @param unfinished codes of what failed after the commit
    record Finished(Begun begun, ObjectId point, List<String> unfinished) implements BackupRecord {
        public Finished {
            unfinished = List.copyOf(unfinished);
        }

        @Override
        public JobId job() {
            return begun.job();
        }

        @Override
        public String state() {
            return "finished";
        }

        @Override
        public boolean isFinal() {
            return true;
        }

        @Override
        public ObjectNode json() {
            ObjectNode json = begun.json(this).put("point", point.toString());
            ArrayNode codes = json.putArray("unfinished");
            unfinished.forEach(codes::add);
            return json;
        }
    }

    /// The job has made no point, and left nothing.
    ///
    /// @param code of the failure, stable
    /// @param text for people, in the root language: a journal has no reader yet
    record Failed(JobId job, String code, String text) implements BackupRecord {
        static Failed of(JobId job, StillpointException why) {
            return new Failed(job, why.code(), why.getMessage());
        }

        @Override
        public String state() {
            return "failed";
        }

        @Override
        public boolean isFinal() {
            return true;
        }

        @Override
        public ObjectNode json() {
            return JobRecord.header(KIND, this).put("code", code).put("text", text);
        }
    }

    /// Reads a record of a backup.
    static BackupRecord read(JsonNode json) {
        String state = json.required("state").asString();
        return switch (state) {
            case "begun" -> begun(json);
            case "preparing" ->
                    begun(json).preparing(SnapshotName.parse(json.required("snapshot").asString()));
            case "held" -> held(json);
            case "storing" -> storing(json);
            case "sealed" -> storing(json).sealed(SealedPoint.of(json.required("sealed")));
            case "committed" ->
                    new Committed(storing(json), ObjectId.parse(json.required("point").asString()));
            case "finished" -> {
                List<String> codes = new ArrayList<>();
                json.required("unfinished").forEach(each -> codes.add(each.asString()));
                yield new Finished(
                        begun(json), ObjectId.parse(json.required("point").asString()), codes);
            }
            case "failed" ->
                    new Failed(
                            new JobId(json.required("job").asString()),
                            json.required("code").asString(),
                            json.required("text").asString());
            default -> throw JobException.unreadable("state " + state, null);
        };
    }

    private static Begun begun(JsonNode json) {
        return new Begun(
                new JobId(json.required("job").asString()),
                text(json, "vm").map(VmId::new),
                json.required("name").asString(),
                Json.instant(json, "startedAt"),
                text(json, "base").map(ObjectId::parse),
                object(json, "identity"),
                json.has("clock") ? Optional.of(object(json, "clock")) : Optional.empty(),
                json.has("lockedUntil")
                        ? Optional.of(Json.instant(json, "lockedUntil"))
                        : Optional.empty());
    }

    private static Held held(JsonNode json) {
        return new Held(
                begun(json),
                SnapshotDescriptor.of(json.required("descriptor")),
                InstantReport.of(json.required("instant")));
    }

    private static Storing storing(JsonNode json) {
        return held(json).storing(SessionRecord.of(json.required("session")));
    }

    private static Optional<String> text(JsonNode json, String field) {
        return json.has(field) ? Optional.of(json.required(field).asString()) : Optional.empty();
    }

    private static ObjectNode object(JsonNode json, String field) {
        if (json.required(field) instanceof ObjectNode object) {
            return object.deepCopy();
        }
        throw JobException.unreadable(field + " is no object", null);
    }
}
