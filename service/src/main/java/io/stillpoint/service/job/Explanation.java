package io.stillpoint.service.job;

import io.stillpoint.platform.ByteSize;
import io.stillpoint.platform.text.Text;
import io.stillpoint.vault.point.PointDisk;
import io.stillpoint.vault.point.RecoveryPoint;
import java.util.ArrayList;
import java.util.List;

/// Says why a job's point is what it is, a sentence each.
final class Explanation {
    private Explanation() {}

    /// Of each disk how it was read and why, then of the whole how consistent it is and why not better.
    static List<Text> of(RecoveryPoint point) {
        List<Text> sentences = new ArrayList<>();
        for (PointDisk disk : point.disks()) {
            sentences.add(
                    text(
                            "job.disk",
                            disk.name(),
                            why(disk),
                            new ByteSize(disk.readBytes()),
                            new ByteSize(disk.newBytes())));
        }
        sentences.add(
                point.consistencyReason().isEmpty()
                        ? text("job.consistent", point.consistency().word())
                        : text(
                                "job.less-consistent",
                                point.consistency().word(),
                                point.consistencyReason()));
        return sentences;
    }

    private static Text why(PointDisk disk) {
        if (disk.method() == PointDisk.Method.INCREMENTAL) {
            return text("job.why-incremental");
        }
        return switch (disk.reason()) {
            case "first-backup" -> text("job.why-first");
            case "base-damaged" -> text("job.why-damaged");
            case "restarted" -> text("job.why-restarted");
            case "missing" -> text("job.why-missing");
            case "other-generation", "not-recording", "inconsistent", "tampered" ->
                    text("job.why-untrusted", disk.reason());
            case "migrated" -> text("job.why-migrated");
            case "resized" -> text("job.why-resized");
            case "other-image" -> text("job.why-other-image");
            case "unguarded" -> text("job.why-unguarded");
            case "contradicted" -> text("job.why-contradicted");
            default -> text("job.why-other", disk.reason());
        };
    }

    private static Text text(String code, Object... arguments) {
        return Text.of(Explanation.class, code, arguments);
    }
}
