package io.stillpoint.hypervisor.qemu;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/// Sees to it that a snapshot ends with the process that took it, however that ends. QEMU itself would hold it for ever,
/// and each write of the guest would go on filling the scratch images.
///
/// A shell that needs next to no memory waits at the other end of a pipe. The system closes the pipe when this process
/// is gone, even by kill -9, and the shell becomes the command that sweeps. It has a session of its own, so that what is
/// sent to our process group does not reach it. Where it is killed as well, as by systemd with its control group, the
/// next backup or `stillpoint sweep` does its work.
final class AbandonedSnapshot implements AutoCloseable {
    /// A service that is killed leaves one for each of its snapshots: those of a scratch folder come one after the other, or
    /// so many at once could take the host's memory. Who has waited for a minute waits no longer.
    private static final String SCRIPT =
            """
            trap '' HUP INT TERM
            read -r line && exit 0
            if [ -d "$1" ] && [ -r "$1" ] && command -v flock >/dev/null; then
                exec 9<"$1"
                flock -w 60 9
            fi
            shift
            exec "$@"
            """;

    private final OutputStream pipe;

    private AbandonedSnapshot(OutputStream pipe) {
        this.pipe = pipe;
    }

    /// @param scratch the folder of the snapshot's images
    /// @param sweep what is to run when this process ends without [#close]
    static AbandonedSnapshot watch(Path scratch, List<String> sweep) throws IOException {
        List<String> command = new ArrayList<>();
        if (Files.isExecutable(Path.of("/usr/bin/setsid"))) {
            command.add("/usr/bin/setsid");
        }
        command.addAll(List.of("/bin/sh", "-c", SCRIPT, "stillpoint-guardian", scratch.toString()));
        command.addAll(sweep);
        Process process =
                new ProcessBuilder(command)
                        .directory(Path.of("/").toFile())
                        .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                        .redirectError(ProcessBuilder.Redirect.DISCARD)
                        .start();
        return new AbandonedSnapshot(process.getOutputStream());
    }

    /// Nothing is left to sweep.
    @Override
    public void close() {
        try (pipe) {
            pipe.write("done\n".getBytes(StandardCharsets.US_ASCII));
        } catch (IOException e) {
            // It is gone already, and with it what it would have done.
        }
    }
}
