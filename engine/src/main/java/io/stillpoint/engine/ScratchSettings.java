package io.stillpoint.engine;

import io.stillpoint.platform.ByteSize;
import io.stillpoint.platform.natives.OwnedDescriptor;
import java.nio.file.Path;

/// What the hypervisor gets to hold a snapshot of a VM that runs.
///
/// @param folder where it puts blocks that the guest overwrites while the snapshot is held
/// @param max how much that may be before the snapshot is given up
public record ScratchSettings(Path folder, ByteSize max) {
    private static final String ROOT_FOLDER = "/var/tmp/stillpoint";

    /// What the hypervisor gets where nothing else is said.
    public static final ByteSize USUAL_MAX = ByteSize.parse("20G");

    /// The folder where nothing else is said. Each user has one of their own.
    public static Path usualFolder() {
        int user = OwnedDescriptor.user();
        return Path.of(
                user == 0 ? ROOT_FOLDER : ROOT_FOLDER + "-" + Integer.toUnsignedString(user));
    }
}
