package io.stillpoint.engine;

import java.nio.charset.StandardCharsets;
import java.util.Optional;
import tools.jackson.databind.node.ObjectNode;

/// What a backup of one VM needs to know.
///
/// @param vm the name under which points are kept
/// @param guest how its guest is reached; empty: it is not
/// @param writer the program's version, noted in the point
/// @param origin what the job is for, as it goes into the point's configuration under `origin`
public record BackupSettings(
        String vm,
        BackupPolicy policy,
        Optional<GuestAccess> guest,
        ScratchSettings scratch,
        String writer,
        Optional<ObjectNode> origin) {
    private static final int NAME_BYTES_MAX = 255;

    /// Of a job whose purpose is nobody's business.
    public BackupSettings(
            String vm,
            BackupPolicy policy,
            Optional<GuestAccess> guest,
            ScratchSettings scratch,
            String writer) {
        this(vm, policy, guest, scratch, writer, Optional.empty());
    }

    public BackupSettings {
        if (!isVmName(vm)) {
            throw new IllegalArgumentException("no name of a VM");
        }
    }

    /// Whether points can be kept under this name: 1 to 255 bytes, no control or formatting characters, no blank at either
    /// end.
    public static boolean isVmName(String name) {
        return !name.isEmpty()
                && name.equals(name.strip())
                && name.matches("[^\\p{C}\\u2028\\u2029]+")
                && name.getBytes(StandardCharsets.UTF_8).length <= NAME_BYTES_MAX;
    }
}
