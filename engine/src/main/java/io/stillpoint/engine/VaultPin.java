package io.stillpoint.engine;

import io.stillpoint.guest.extension.StateFile;
import io.stillpoint.platform.Json;
import io.stillpoint.platform.Sha256;
import io.stillpoint.platform.disk.FileLocks;
import io.stillpoint.platform.disk.FileLocks.Range;
import io.stillpoint.platform.natives.LockedFile;
import io.stillpoint.platform.text.Text;
import io.stillpoint.vault.Vault;
import io.stillpoint.vault.point.ForgottenPoint;
import io.stillpoint.vault.point.Lineage;
import io.stillpoint.vault.point.RecoveryPoint;
import io.stillpoint.vault.store.ObjectId;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/// What this host has seen of the vault at a location (`docs/state.md`): by it an older state of the vault, or another one,
/// is noticed. Never in the way: what goes wrong with it is told as a finding too.
public final class VaultPin {
    private static final int FORMAT = 1;
    private static final int NAME_BYTES = 16;
    private static final long SIZE_MAX = 16 << 20;
    private static final Duration LOCK_MAX = Duration.ofSeconds(30);

    private final Path folder;
    private final Path file;
    private final String location;

    /// @param stateFolder of this installation
    /// @param location always the same text for the same place
    public VaultPin(Path stateFolder, String location) {
        folder = stateFolder.resolve("vaults");
        file = folder.resolve(name(location) + ".json");
        this.location = location;
    }

    /// One text for one folder, however it is written: commands and the service share a pin.
    public static String place(Path folder) {
        try {
            return folder.toRealPath().toString();
        } catch (IOException e) {
            return folder.toAbsolutePath().normalize().toString();
        }
    }

    private static String name(String location) {
        return Sha256.hex(location, NAME_BYTES);
    }

    /// Something that the user should know.
    ///
    /// @param code stable: see `docs/state.md`
    /// @param isAlarm whether the vault is not what it was, rather than the pin
    public record Finding(String code, Text text, boolean isAlarm) {}

    /// Points among which there is an order.
    ///
    /// @param from the vault that they were copied from, if they were
    private record Line(String vm, Optional<ObjectId> from) {
        static Line of(RecoveryPoint point) {
            return new Line(point.vm(), point.line());
        }
    }

    /// The newest point of a line.
    ///
    /// @param highest ordinal ever seen in the line
    private record Newest(
            ObjectId point, long ordinal, Instant snapshotAt, boolean isForgotten, long highest) {
        Newest {
            if (ordinal < 0 || highest < ordinal) {
                throw new IllegalArgumentException("ordinal");
            }
        }

        Newest forgotten() {
            return new Newest(point, ordinal, snapshotAt, true, highest);
        }
    }

    /// A point that was the newest and is gone.
    private record Missing(String vm, ObjectId point, Instant snapshotAt) {}

    private record Pin(ObjectId vault, Map<Line, Newest> lines, List<Missing> missing) {}

    /// What there is in a vault.
    private record Seen(
            ObjectId vault,
            Map<Line, Newest> lines,
            Set<ObjectId> points,
            Set<ObjectId> unreadable) {
        static Seen of(Vault vault) {
            List<RecoveryPoint> all = new ArrayList<>(vault.points());
            Set<ObjectId> forgotten = new HashSet<>();
            for (ForgottenPoint each : vault.forgotten()) {
                all.add(each.point());
                forgotten.add(each.point().id());
            }
            all.sort(RecoveryPoint.OLDEST_FIRST);
            Map<Line, Newest> lines = new LinkedHashMap<>();
            Set<ObjectId> points = new HashSet<>();
            for (RecoveryPoint point : all) {
                points.add(point.id());
                long ordinal = point.lineage().ordinal();
                lines.put(
                        Line.of(point),
                        new Newest(
                                point.id(),
                                ordinal,
                                point.snapshotAt(),
                                forgotten.contains(point.id()),
                                ordinal));
            }
            return new Seen(vault.id(), lines, points, vault.unreadablePoints().keySet());
        }

        boolean has(ObjectId point) {
            return points.contains(point) || unreadable.contains(point);
        }
    }

    /// Compares the vault with what was seen before, then notes what there is. Also has the vault number new points above
    /// all that are there or were ever seen. Throws what the store throws.
    public List<Finding> look(Vault vault) {
        Seen seen = Seen.of(vault);
        seen.lines.forEach((line, newest) -> vault.numberAbove(line.vm, newest.highest));
        List<Finding> findings = new ArrayList<>();
        update(
                findings,
                pin -> {
                    if (pin == null) {
                        return new Pin(seen.vault, seen.lines, List.of());
                    }
                    if (!pin.vault.equals(seen.vault)) {
                        findings.add(
                                finding("pin.other-vault", true, location, pin.vault, seen.vault));
                        return pin;
                    }
                    Pin compared = compared(pin, seen);
                    if (!pin.missing.containsAll(compared.missing)) {
                        // Another job of this host may have made a point, and noted it, since the
                        // vault was looked at. What the pin says now was there before.
                        compared = compared(pin, Seen.of(vault));
                    }
                    compared.lines.forEach(
                            (line, newest) -> vault.numberAbove(line.vm, newest.highest));
                    compared.missing.forEach(missing ->
                            findings.add(
                                    finding(
                                            "pin.set-back",
                                            true,
                                            missing.vm,
                                            missing.point,
                                            missing.snapshotAt,
                                            location)));
                    return compared;
                });
        return findings;
    }

    private static Pin compared(Pin pin, Seen seen) {
        List<Missing> missing = new ArrayList<>(pin.missing);
        missing.removeIf(each -> seen.has(each.point));
        Map<Line, Newest> lines = new LinkedHashMap<>(seen.lines);
        pin.lines.forEach((line, known) -> {
            Newest now = seen.lines.get(line);
            long highest = Math.max(known.highest, now == null ? 0 : now.ordinal);
            boolean isGone =
                    !known.isForgotten
                            && !seen.has(known.point)
                            && (now == null || now.ordinal <= known.ordinal);
            boolean isUnreadable = seen.unreadable.contains(known.point);
            if (isGone && missing.stream().noneMatch(each -> each.point.equals(known.point))) {
                missing.add(new Missing(line.vm, known.point, known.snapshotAt));
            }
            // What is missing goes on being the newest, as does what can't be read.
            Newest kept = now == null || isGone || isUnreadable ? known : now;
            lines.put(
                    line,
                    new Newest(
                            kept.point, kept.ordinal, kept.snapshotAt, kept.isForgotten, highest));
        });
        return new Pin(pin.vault, lines, missing);
    }

    /// Notes a point that was made, if the vault is the one that was seen.
    public List<Finding> made(ObjectId vault, RecoveryPoint point) {
        List<Finding> findings = new ArrayList<>();
        update(
                findings,
                pin -> {
                    if (pin != null && !pin.vault.equals(vault)) {
                        return pin;
                    }
                    Map<Line, Newest> lines =
                            new LinkedHashMap<>(pin == null ? Map.of() : pin.lines);
                    Newest known = lines.get(Line.of(point));
                    long ordinal = point.lineage().ordinal();
                    if (known == null || known.ordinal < ordinal) {
                        lines.put(
                                Line.of(point),
                                new Newest(
                                        point.id(), ordinal, point.snapshotAt(), false, ordinal));
                    }
                    return new Pin(vault, lines, pin == null ? List.of() : pin.missing);
                });
        return findings;
    }

    /// Notes points that this host removes knowingly.
    public List<Finding> removed(Set<ObjectId> points) {
        List<Finding> findings = new ArrayList<>();
        update(
                findings,
                pin -> {
                    if (pin == null) {
                        return null;
                    }
                    Map<Line, Newest> lines = new LinkedHashMap<>(pin.lines);
                    lines.replaceAll((_, newest) ->
                            points.contains(newest.point) ? newest.forgotten() : newest);
                    return new Pin(pin.vault, lines, pin.missing);
                });
        return findings;
    }

    /// Takes the vault as it is for what it should be.
    public List<Finding> accept(Vault vault) {
        Seen seen = Seen.of(vault);
        List<Finding> findings = new ArrayList<>();
        update(findings, _ -> new Pin(seen.vault, seen.lines, List.of()));
        return findings;
    }

    /// Reads the pin, null if there is none, and replaces it, unless it stays the same.
    private void update(List<Finding> findings, UnaryOperator<@Nullable Pin> change) {
        try {
            Files.createDirectories(
                    folder,
                    PosixFilePermissions.asFileAttribute(
                            PosixFilePermissions.fromString("rwx------")));
            try (LockedFile _ =
                    FileLocks.lockOrCreate(folder.resolve("lock"), Range.ALL, LOCK_MAX)) {
                Pin before = read(findings);
                Pin after = change.apply(before);
                if (after != null && !after.equals(before)) {
                    StateFile.replace(file, Json.bytes(json(after)));
                }
            }
        } catch (IOException e) {
            findings.add(finding("pin.unwritable", false, folder, StateFile.reason(e)));
            // Compared all the same, if it can be read.
            var _ = change.apply(readOnly());
        }
    }

    private @Nullable Pin readOnly() {
        try {
            return parse();
        } catch (IOException | JacksonException | IllegalArgumentException | DateTimeException e) {
            return null;
        }
    }

    private @Nullable Pin read(List<Finding> findings) throws IOException {
        try {
            return parse();
        } catch (JacksonException | IllegalArgumentException | DateTimeException e) {
            Path aside = file.resolveSibling(file.getFileName() + ".damaged");
            Files.move(file, aside, StandardCopyOption.REPLACE_EXISTING);
            findings.add(finding("pin.damaged", false, location, aside));
            return null;
        }
    }

    private @Nullable Pin parse() throws IOException {
        byte[] bytes;
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
            if (channel.size() > SIZE_MAX) {
                throw new IllegalArgumentException("length");
            }
            ByteBuffer buffer = ByteBuffer.allocate((int) channel.size());
            while (buffer.hasRemaining() && channel.read(buffer) >= 0) {
                // Until it is full.
            }
            bytes = buffer.array();
        } catch (NoSuchFileException e) {
            return null;
        }
        JsonNode json = Json.parse(bytes);
        if (json.required("format").asInt() != FORMAT
                || !json.required("location").asString().equals(location)) {
            throw new IllegalArgumentException("format");
        }
        Map<Line, Newest> lines = new LinkedHashMap<>();
        for (JsonNode line : json.required("lines")) {
            @Nullable JsonNode from = line.get("from");
            lines.put(
                    new Line(
                            line.required("vm").asString(),
                            Optional.ofNullable(from).map(text -> ObjectId.parse(text.asString()))),
                    new Newest(
                            ObjectId.parse(line.required("point").asString()),
                            line.required("ordinal").asLong(),
                            Json.instant(line, "snapshotAt"),
                            line.required("forgotten").asBoolean(),
                            highest(line)));
        }
        List<Missing> missing = new ArrayList<>();
        for (JsonNode each : json.required("missing")) {
            missing.add(
                    new Missing(
                            each.required("vm").asString(),
                            ObjectId.parse(each.required("point").asString()),
                            Json.instant(each, "snapshotAt")));
        }
        return new Pin(ObjectId.parse(json.required("vault").asString()), lines, missing);
    }

    private static long highest(JsonNode line) {
        long highest = line.required("highest").asLong();
        if (highest > Lineage.ORDINAL_MAX) {
            throw new IllegalArgumentException("ordinal");
        }
        return highest;
    }

    private ObjectNode json(Pin pin) {
        ObjectNode json = Json.object().put("format", FORMAT).put("location", location);
        json.put("vault", pin.vault.toString());
        ArrayNode lines = json.putArray("lines");
        pin.lines.forEach((line, newest) -> {
            ObjectNode entry = lines.addObject().put("vm", line.vm);
            line.from.ifPresent(vault -> entry.put("from", vault.toString()));
            entry.put("point", newest.point.toString()).put("ordinal", newest.ordinal);
            entry.put("snapshotAt", newest.snapshotAt.toString());
            entry.put("forgotten", newest.isForgotten).put("highest", newest.highest);
        });
        ArrayNode missing = json.putArray("missing");
        pin.missing.forEach(each ->
                missing.addObject()
                        .put("vm", each.vm)
                        .put("point", each.point.toString())
                        .put("snapshotAt", each.snapshotAt.toString()));
        return json;
    }

    private static Finding finding(String code, boolean isAlarm, Object... arguments) {
        return new Finding(code, Text.of(VaultPin.class, code, arguments), isAlarm);
    }
}
