package io.stillpoint.guest.extension;

import io.stillpoint.guest.GuestAgent;
import java.time.Duration;

/// The folder of an extension in a guest, and what the host does in it with the guest's own commands. Each throws the
/// [ExtensionException] that tells what stands in the way.
sealed interface GuestFolder permits LinuxFolder, WindowsFolder {
    /// A busy guest's disk takes long.
    Duration COMMAND_MAX = Duration.ofMinutes(1);

    byte[] NO_INPUT = {};

    /// What uploads go to.
    String PART = ".part";

    /// A path in it, of a version's folder (with or without [#PART]) or a file beside those.
    String path(String... names);

    /// Removes what earlier uploads left and makes the folder for one, in which only root or administrators can write; the
    /// executable is there, empty, and can be run.
    void prepare(GuestAgent agent, String version, String executable);

    /// Puts the upload in the place of what there was of its version.
    void accept(GuestAgent agent, String version);

    /// Removes what uploads left.
    void clean(GuestAgent agent);

    /// Removes everything.
    void remove(GuestAgent agent);
}
