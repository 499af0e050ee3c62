package io.stillpoint.engine;

import io.stillpoint.platform.ByteSize;
import java.nio.file.Path;

/// What the hypervisor gets to hold a snapshot of a VM that runs.
///
/// @param folder where it puts blocks that the guest overwrites while the snapshot is held
/// @param max how much that may be before the snapshot is given up
public record ScratchSettings(Path folder, ByteSize max) {}
