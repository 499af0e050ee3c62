package io.stillpoint.engine;

import io.stillpoint.platform.StillpointException;
import io.stillpoint.vault.store.ObjectId;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/// How far a restore is. Each record is made from the one before it, and holds it.
public sealed interface RestoreRecord extends JobRecord {
    /// The word for restores.
    String KIND = "restore";

    /// What is to be restored, and to where.
    ///
    /// @param tasks at least one, of different disks
    record Chosen(JobId job, ObjectId point, List<RestoreTask> tasks) implements RestoreRecord {
        public Chosen {
            tasks = List.copyOf(tasks);
            Set<String> disks = tasks.stream().map(RestoreTask::disk).collect(Collectors.toSet());
            if (disks.isEmpty() || disks.size() < tasks.size()) {
                throw new IllegalArgumentException("disks: " + tasks);
            }
        }

        /// All targets can be written; some may be there in part.
        TargetsMade targetsMade() {
            return new TargetsMade(this);
        }

        @Override
        public String state() {
            return "chosen";
        }

        @Override
        public ObjectNode json() {
            return json(this);
        }

        private ObjectNode json(RestoreRecord record) {
            ObjectNode json = JobRecord.header(KIND, record).put("point", point.toString());
            ArrayNode array = json.putArray("tasks");
            for (RestoreTask task : tasks) {
                array.addObject()
                        .put("disk", task.disk())
                        .put("file", task.file().toAbsolutePath().toString())
                        .put("form", task.form().word());
            }
            return json;
        }
    }

    /// All targets can be written.
    record TargetsMade(Chosen chosen) implements RestoreRecord {
        /// There is room for all of them.
        RoomChecked roomChecked() {
            return new RoomChecked(chosen);
        }

        @Override
        public JobId job() {
            return chosen.job();
        }

        @Override
        public String state() {
            return "targets-made";
        }

        @Override
        public ObjectNode json() {
            return chosen.json(this);
        }
    }

    /// There is room for all disks.
    record RoomChecked(Chosen chosen) implements RestoreRecord {
        /// No disk is written yet.
        Written nothingWritten() {
            return new Written(chosen, List.of());
        }

        @Override
        public JobId job() {
            return chosen.job();
        }

        @Override
        public String state() {
            return "room-checked";
        }

        @Override
        public ObjectNode json() {
            return chosen.json(this);
        }
    }

    /// A disk whose content is complete and durable.
    ///
    /// @param identity of its file, which may still have the name of an unfinished one; empty for a device
    record WrittenDisk(String name, Optional<String> identity) {}

    /// Some disks are complete. The last of them may not have its name yet.
    record Written(Chosen chosen, List<WrittenDisk> disks) implements RestoreRecord {
        public Written {
            disks = List.copyOf(disks);
        }

        Written and(WrittenDisk disk) {
            List<WrittenDisk> more = new ArrayList<>(disks);
            more.add(disk);
            return new Written(chosen, more);
        }

        Optional<WrittenDisk> disk(String name) {
            return disks.stream().filter(each -> each.name().equals(name)).findFirst();
        }

        List<String> names() {
            return disks.stream().map(WrittenDisk::name).toList();
        }

        /// All are complete.
        Finished finished() {
            if (disks.size() != chosen.tasks().size()) {
                throw new IllegalStateException(disks.size() + " of " + chosen.tasks().size());
            }
            return new Finished(chosen);
        }

        @Override
        public JobId job() {
            return chosen.job();
        }

        @Override
        public String state() {
            return "written";
        }

        @Override
        public ObjectNode json() {
            ObjectNode json = chosen.json(this);
            ArrayNode array = json.putArray("written");
            for (WrittenDisk disk : disks) {
                ObjectNode each = array.addObject().put("disk", disk.name());
                disk.identity().ifPresent(identity -> each.put("identity", identity));
            }
            return json;
        }
    }

    /// All disks are restored.
    record Finished(Chosen chosen) implements RestoreRecord {
        @Override
        public JobId job() {
            return chosen.job();
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
            return chosen.json(this);
        }
    }

    /// The restore failed. What was not complete is gone.
    ///
    /// @param code of the failure, stable
    /// @param text for people, in the root language: a journal has no reader yet
    /// @param complete names of disks that are restored
    record Failed(JobId job, String code, String text, List<String> complete)
            implements RestoreRecord {
        public Failed {
            complete = List.copyOf(complete);
        }

        static Failed of(JobId job, StillpointException why, List<String> complete) {
            return new Failed(job, why.code(), why.getMessage(), complete);
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
            ObjectNode json = JobRecord.header(KIND, this).put("code", code).put("text", text);
            ArrayNode names = json.putArray("complete");
            complete.forEach(names::add);
            return json;
        }
    }

    /// Reads a record of a restore.
    static RestoreRecord read(JsonNode json) {
        String state = json.required("state").asString();
        return switch (state) {
            case "chosen" -> chosen(json);
            case "targets-made" -> chosen(json).targetsMade();
            case "room-checked" -> chosen(json).targetsMade().roomChecked();
            case "written" -> {
                Written written = chosen(json).targetsMade().roomChecked().nothingWritten();
                for (JsonNode each : json.required("written")) {
                    written =
                            written.and(
                                    new WrittenDisk(
                                            each.required("disk").asString(),
                                            each.has("identity")
                                                    ? Optional.of(
                                                            each.required("identity").asString())
                                                    : Optional.empty()));
                }
                yield written;
            }
            case "finished" -> new Finished(chosen(json));
            case "failed" -> {
                List<String> complete = new ArrayList<>();
                json.required("complete").forEach(each -> complete.add(each.asString()));
                yield new Failed(
                        new JobId(json.required("job").asString()),
                        json.required("code").asString(),
                        json.required("text").asString(),
                        complete);
            }
            default -> throw JobException.unreadable("state " + state, null);
        };
    }

    private static Chosen chosen(JsonNode json) {
        List<RestoreTask> tasks = new ArrayList<>();
        for (JsonNode each : json.required("tasks")) {
            tasks.add(
                    new RestoreTask(
                            each.required("disk").asString(),
                            Path.of(each.required("file").asString()),
                            RestoreTask.Form.of(each.required("form").asString())));
        }
        return new Chosen(
                new JobId(json.required("job").asString()),
                ObjectId.parse(json.required("point").asString()),
                tasks);
    }
}
