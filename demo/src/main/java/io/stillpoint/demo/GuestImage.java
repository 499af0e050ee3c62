package io.stillpoint.demo;

import io.stillpoint.demo.DemoException.Kind;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.Consumer;

/// The built guest. Its files are shared by all who use it: never write to them.
///
/// @param kernel for QEMU's `-kernel`
/// @param initrd a user land that runs in memory, or continues on the disk that `root=/dev/vda` names
/// @param root the same user land as an ext4 disk image, raw and sparse; [#copyRootTo] makes one to run on
public record GuestImage(Path kernel, Path initrd, Path root) {
    public GuestImage {
        for (Path file : new Path[] {kernel, initrd, root}) {
            if (!Files.isReadable(file)) {
                throw new DemoException(
                        Kind.REQUEST,
                        "demo.guest-incomplete",
                        null,
                        String.valueOf(file.getParent()),
                        String.valueOf(file.getFileName()));
            }
        }
    }

    /// The guest, built first if this machine has none of the current recipe: some seconds and 40 MB of the
    /// distribution's packages. Kept in `$STILLPOINT_CACHE`, else `$XDG_CACHE_HOME/stillpoint`, else
    /// `~/.cache/stillpoint`. May be called by several processes at once.
    ///
    /// Throws a [DemoException] when the system can't build it or is offline.
    ///
    /// @param progress takes a line for people per step; nothing when the guest is there
    public static GuestImage ensure(Consumer<String> progress) {
        return in(new GuestBuild(progress).run());
    }

    /// The guest in a folder made by the build on this or on another machine.
    public static GuestImage in(Path folder) {
        return new GuestImage(
                folder.resolve("vmlinuz"), folder.resolve("initrd"), folder.resolve("root.raw"));
    }

    /// A sparse copy of the root disk, to run a VM on. An existing file is replaced.
    public void copyRootTo(Path file) {
        SparseCopy.copy(root, file);
    }
}
