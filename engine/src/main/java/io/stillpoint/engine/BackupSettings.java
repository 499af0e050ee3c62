package io.stillpoint.engine;

import io.stillpoint.guest.extension.ExtensionKeeper;
import io.stillpoint.platform.ByteSize;
import io.stillpoint.vault.point.Consistency;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;

/// What the user decides about a backup.
///
/// @param vm the name under which points are kept
/// @param live whether the VM may run, rather than be off
/// @param agentSocket of the guest's agent, if there is one
/// @param extensions sees to the guest's extension; empty: the guest gets none
/// @param vssByAgent whether a Windows guest is held by the agent's own freeze rather than the extension's service
/// @param atLeast below which no point is made
/// @param freezeMax after which a frozen Linux guest thaws by itself
/// @param scriptMax how long an attempt of one of the guest's scripts may take at most
/// @param scratchFolder where the hypervisor puts blocks that the guest overwrites while the snapshot is held
/// @param scratchMax how much that may be before the snapshot is given up
/// @param sameVm whether the user says that this is the machine of the earlier points, though it does not look so
/// @param lock for how long after the job's begin the point can't be forgotten
/// @param writer the program's version, noted in the point
public record BackupSettings(
        String vm,
        boolean live,
        Optional<Path> agentSocket,
        Optional<ExtensionKeeper> extensions,
        boolean vssByAgent,
        Consistency atLeast,
        Duration freezeMax,
        Duration scriptMax,
        Path scratchFolder,
        ByteSize scratchMax,
        boolean sameVm,
        Optional<Duration> lock,
        String writer) {
    /// Windows lets go of writes after some ten seconds by itself.
    private static final Duration VSS_HOLD_MAX = Duration.ofSeconds(9);

    private static final Duration VSS_PREPARE_MAX = Duration.ofMinutes(3);

    private static final int NAME_BYTES_MAX = 255;

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

    Duration vssHoldMax() {
        return freezeMax.compareTo(VSS_HOLD_MAX) < 0 ? freezeMax : VSS_HOLD_MAX;
    }

    Duration vssPrepareMax() {
        return VSS_PREPARE_MAX;
    }
}
