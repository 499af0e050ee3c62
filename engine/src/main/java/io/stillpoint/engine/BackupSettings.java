package io.stillpoint.engine;

import io.stillpoint.platform.ByteSize;
import java.nio.file.Path;

/// What the user decides about a backup.
///
/// @param vm the name under which points are kept
/// @param scratchFolder where the hypervisor puts blocks that the guest overwrites while the snapshot is held
/// @param scratchMax how much that may be before the snapshot is given up
/// @param writer the program's version, noted in the point
public record BackupSettings(String vm, Path scratchFolder, ByteSize scratchMax, String writer) {}
