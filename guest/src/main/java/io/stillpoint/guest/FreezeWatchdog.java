package io.stillpoint.guest;

import java.time.Duration;

/// A small shell process inside a Linux guest that thaws its file systems at a deadline, whatever has become of
/// us, of the hypervisor's connection or of the agent. It lives in memory only: the script is an argument, its
/// mark a file in `/run`, since a frozen disk can't be written.
///
/// The agent goes on counting the guest as frozen after the watchdog has thawed it; a later thaw through the agent
/// returns 0, which [ThawOutcome.Late] tells.
public final class FreezeWatchdog {
    private static final Duration COMMAND_MAX = Duration.ofSeconds(15);

    /// Run as `sh -c SCRIPT stillpoint TOKEN SECONDS`. The programs that it will need are run once before, so
    /// that they are in memory; that of busybox knows the long option only. Octal escapes in `/proc/mounts` are
    /// those of getmntent(3); printf undoes them.
    private static final String ARM =
            """
            mark=/run/stillpoint-thaw.$1
            grep -q ' /run tmpfs ' /proc/mounts || { echo '/run is not in memory'; exit 4; }
            fsfreeze --version >/dev/null 2>&1 || fsfreeze --help >/dev/null 2>&1 \
                || { echo 'no fsfreeze program'; exit 3; }
            sleep 0 || exit 5
            : > "$mark" || exit 4
            (
                trap '' HUP TERM
                cd /
                left=$2
                while [ "$left" -gt 0 ]; do
                    [ -e "$mark" ] || exit 0
                    sleep 1
                    left=$((left - 1))
                done
                [ -e "$mark" ] || exit 0
                rm -f "$mark"
                while read -r device folder rest; do
                    case $device in
                        /dev/*) fsfreeze --unfreeze "$(printf '%b' "$folder")" ;;
                    esac
                done < /proc/mounts
            ) </dev/null >/dev/null 2>&1 &
            """;

    private static final String CANCEL =
            """
            mark=/run/stillpoint-thaw.$1
            if [ -e "$mark" ]; then rm -f "$mark"; echo cancelled; else echo fired; fi
            """;

    private final GuestAgent agent;
    private final String token;

    private FreezeWatchdog(GuestAgent agent, String token) {
        this.agent = agent;
        this.token = token;
    }

    /// Starts the watchdog; to be called before the freeze.
    ///
    /// Throws a [GuestException] only when the agent itself fails.
    ///
    /// @param token lower-case hexadecimal digits, unique to the job
    /// @param deadline when it thaws, counted from now, in whole seconds
    public static WatchdogOutcome arm(GuestAgent agent, String token, Duration deadline) {
        if (!token.matches("[0-9a-f]{1,32}")) {
            throw new IllegalArgumentException("token " + token);
        }
        try {
            GuestExit exit =
                    agent.execute(
                            GuestCommand.of(
                                    COMMAND_MAX,
                                    "/bin/sh",
                                    "-c",
                                    ARM,
                                    "stillpoint",
                                    token,
                                    Long.toString(Math.max(1, deadline.toSeconds()))));
            if (exit.isSuccess()) {
                return new WatchdogOutcome.Armed(new FreezeWatchdog(agent, token));
            }
            String words = AgentConnection.printable((exit.out() + exit.err()).strip());
            return new WatchdogOutcome.NotArmed(
                    words.isEmpty() ? "exit code " + exit.code() : words);
        } catch (GuestException.Refused e) {
            return new WatchdogOutcome.NotArmed(e.detail());
        }
    }

    /// Ends the watchdog; to be called after the thaw.
    ///
    /// @return false if its deadline had passed: the guest was thawed by it
    public boolean cancel() {
        GuestExit exit =
                agent.execute(
                        GuestCommand.of(COMMAND_MAX, "/bin/sh", "-c", CANCEL, "stillpoint", token));
        return exit.out().strip().equals("cancelled");
    }
}
