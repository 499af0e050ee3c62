package io.stillpoint.cli;

import io.stillpoint.platform.ByteSize;
import io.stillpoint.platform.Json;
import io.stillpoint.vault.Vault;
import io.stillpoint.vault.point.ForgottenPoint;
import io.stillpoint.vault.point.RecoveryPoint;
import io.stillpoint.vault.verify.Verification;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/// What a verification found, for people and for programs: no more than was looked at.
///
/// @param depth what was looked at
/// @param damaged points that can't be restored whole
/// @param unreadable how many points can't even be read, so that nobody knows whose they are
record VerifyReport(Verification found, Depth depth, List<RecoveryPoint> damaged, int unreadable) {
    /// How far a verification goes.
    enum Depth {
        /// Every byte, with the key.
        WHOLE,
        /// Some of the packs, with the key.
        SAMPLE,
        /// Every byte against its checksum, without the key.
        SEALED,
        /// As [#WHOLE], of a vault that must not be written to.
        RESCUE
    }

    VerifyReport {
        damaged = List.copyOf(damaged);
    }

    static VerifyReport of(Vault vault, Verification found, Depth depth) {
        List<RecoveryPoint> damaged =
                Stream.concat(
                                vault.points().stream(),
                                vault.forgotten().stream().map(ForgottenPoint::point))
                        .filter(point -> found.damagedPoints().contains(point.id()))
                        .sorted(RecoveryPoint.OLDEST_FIRST)
                        .toList();
        return new VerifyReport(found, depth, damaged, vault.unreadablePoints().size());
    }

    static VerifyReport withoutKey(Verification found) {
        return new VerifyReport(found, Depth.SEALED, List.of(), 0);
    }

    ObjectNode json() {
        ObjectNode json = Json.object();
        boolean isSealed = depth == Depth.SEALED;
        json.put("withKey", !isSealed).put("sample", depth == Depth.SAMPLE);
        // Without the key nobody knows whether all is sound, only whether checksums are right.
        json.put(isSealed ? "checksumsRight" : "sound", found.isSound());
        json.put("packs", found.packs()).put("bytes", found.bytes());
        ArrayNode problems = json.putArray("problems");
        if (!isSealed) {
            json.put("items", found.items()).put("points", found.points());
            json.put("unreadablePoints", unreadable);
            ArrayNode ids = json.putArray("damagedPoints");
            found.damagedPoints().forEach(id -> ids.add(id.toString()));
            ArrayNode named = json.putArray("damaged");
            damaged.forEach(point ->
                    named.addObject()
                            .put("id", point.id().toString())
                            .put("vm", point.vm())
                            .put("snapshotAt", point.snapshotAt().toString()));
        }
        found.problems().forEach(problem -> problems.add(Output.words(problem)));
        return json;
    }

    String text() {
        List<String> lines = new ArrayList<>(found.problems().stream().map(Output::words).toList());
        damaged.forEach(point ->
                lines.add(
                        Output.text(
                                "verify.damaged-point",
                                point.vm(),
                                PointFormat.time(point.snapshotAt()),
                                PointFormat.shortId(point))));
        lines.add(summary());
        if (!found.isSound()) {
            lines.addAll(advice());
        }
        return String.join("\n", lines);
    }

    private String summary() {
        String key =
                switch (depth) {
                    case SEALED ->
                            found.isSound()
                                    ? "verify.sound-without-key"
                                    : "verify.damaged-without-key";
                    case SAMPLE -> found.isSound() ? "verify.sound-sample" : "verify.damaged";
                    case WHOLE, RESCUE -> found.isSound() ? "verify.sound" : "verify.damaged";
                };
        return Output.text(
                key,
                new ByteSize(found.bytes()),
                Long.toString(found.packs()),
                Integer.toString(found.points()),
                Integer.toString(found.problems().size()),
                Integer.toString(found.damagedPoints().size() + unreadable));
    }

    /// What to do, for each kind of damage that was found. None where the problems themselves say it.
    private List<String> advice() {
        return switch (depth) {
            case SEALED -> List.of(Output.text("verify.advice-without-key"));
            case RESCUE -> List.of(Output.text("verify.advice-rescue"));
            case WHOLE, SAMPLE -> {
                List<String> lines = new ArrayList<>();
                boolean canBeRecorded = !found.damagedFrames().isEmpty();
                if (!damaged.isEmpty()) {
                    lines.add(
                            Output.text(
                                    canBeRecorded ? "verify.advice-points" : "verify.advice-copy"));
                } else if (canBeRecorded) {
                    lines.add(Output.text("verify.advice-packs"));
                }
                if (unreadable > 0) {
                    lines.add(Output.text("verify.advice-unreadable"));
                }
                yield lines;
            }
        };
    }
}
