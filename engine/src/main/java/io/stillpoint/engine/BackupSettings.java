package io.stillpoint.engine;

import io.stillpoint.platform.ByteSize;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;

/// What the user decides about a backup.
///
/// @param vm the name under which points are kept
/// @param live whether the VM may run, rather than be off
/// @param agentSocket of the guest's agent, if there is one
/// @param freezeMax after which a frozen guest thaws by itself
/// @param scratchFolder where the hypervisor puts blocks that the guest overwrites while the snapshot is held
/// @param scratchMax how much that may be before the snapshot is given up
/// @param lock for how long after the snapshot the point can't be forgotten
/// @param writer the program's version, noted in the point
public record BackupSettings(
        String vm,
        boolean live,
        Optional<Path> agentSocket,
        Duration freezeMax,
        Path scratchFolder,
        ByteSize scratchMax,
        Optional<Duration> lock,
        String writer) {}
