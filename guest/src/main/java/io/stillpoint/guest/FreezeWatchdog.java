package io.stillpoint.guest;

import io.stillpoint.guest.GuestException.Kind;
import io.stillpoint.platform.Randomness;
import io.stillpoint.platform.Undisturbed;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/// A hard deadline for a freeze, kept inside the guest by a process that needs no help from us: unless
/// cancelled it thaws every file system, although we, the host's storage or the agent are gone. Linux
/// guests only. Arm it before the freeze: arming takes a tenth of a second, and a frozen guest refuses it.
///
/// When it has fired [GuestAgent#thaw()] answers `AlreadyThawed`: the snapshot is only crash-consistent.
/// In the guest it is a shell and a file in /run, both gone two seconds after it was cancelled or has fired.
/// Its script is `freeze-watchdog.sh` beside this class.
public final class FreezeWatchdog implements AutoCloseable {
    private static final Duration COMMAND_MAX = Duration.ofSeconds(5);
    private static final byte[] NO_INPUT = {};

    /// Where it finds and leaves things in the guest.
    ///
    /// @param folder for the token; in memory, and gone after a boot
    /// @param mounts the kernel's list of mounted file systems
    /// @param controlGroups where control groups are mounted
    record Places(String folder, String mounts, String controlGroups) {
        static final Places DEFAULT = new Places("/run", "/proc/mounts", "/sys/fs/cgroup");
    }

    private final GuestAgent agent;
    private final String token;

    private FreezeWatchdog(GuestAgent agent, String token) {
        this.agent = agent;
        this.token = token;
    }

    /// Starts it; the deadline counts from now. It fires within two seconds after it, never before.
    ///
    /// Empty if the guest can't have one: its agent runs no commands, or it has no `sh` or `fsfreeze`
    /// (Windows thaws by itself after ten seconds). Throws [GuestException] if the agent does not answer.
    ///
    /// @param deadline rounded up to seconds
    /// @param randomness names the token
    public static Optional<FreezeWatchdog> arm(
            GuestAgent agent, Duration deadline, Randomness randomness) {
        return arm(agent, deadline, randomness, Places.DEFAULT);
    }

    static Optional<FreezeWatchdog> arm(
            GuestAgent agent, Duration deadline, Randomness randomness, Places places) {
        if (!agent.supports(GuestCommand.EXEC) || !agent.supports(GuestCommand.EXEC_STATUS)) {
            return Optional.empty();
        }
        String token = places.folder() + "/stillpoint-freeze-" + randomness.hex(8);
        long seconds = Math.max(1, deadline.plusNanos(999_999_999).toSeconds());
        FreezeWatchdog watchdog = new FreezeWatchdog(agent, token);
        List<String> command =
                List.of(
                        "/bin/sh",
                        "-s",
                        token,
                        Long.toString(seconds),
                        places.mounts(),
                        places.controlGroups());
        boolean done = false;
        try {
            // By input and not as a file: nothing is left in the guest, and the shell that waits
            // has it
            // in memory.
            ExecResult result = agent.exec(command, script(), COMMAND_MAX);
            done = result.exitCode() == 0;
            return done ? Optional.of(watchdog) : Optional.empty();
        } catch (GuestException e) {
            if (e.kind() == Kind.REFUSED) {
                return Optional.empty();
            }
            throw e;
        } finally {
            if (!done) {
                // It may run all the same, if only the answer was lost.
                watchdog.close();
            }
        }
    }

    /// Cancels it by removing its token. Never throws [GuestException]: where the agent is gone, it fires
    /// in vain at its deadline. Runs to its end although the thread is interrupted.
    @Override
    public void close() {
        List<String> remove = List.of("/bin/sh", "-c", "rm -f -- \"$1\"", "sh", token);
        boolean _ =
                Undisturbed.onThread(
                        agent.threads(),
                        "guest-watchdog",
                        () -> {
                            try {
                                return agent.exec(remove, NO_INPUT, COMMAND_MAX).exitCode() == 0;
                            } catch (GuestException e) {
                                return false;
                            }
                        });
    }

    private static byte[] script() {
        String name = "freeze-watchdog.sh";
        try (InputStream in = FreezeWatchdog.class.getResourceAsStream(name)) {
            if (in == null) {
                throw new IllegalStateException(name + " is not in the jar");
            }
            return in.readAllBytes();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
