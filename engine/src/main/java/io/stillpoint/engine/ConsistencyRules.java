package io.stillpoint.engine;

import io.stillpoint.guest.quiesce.Applications;
import io.stillpoint.guest.quiesce.Rest;
import io.stillpoint.hypervisor.Shutdown;
import io.stillpoint.vault.point.Consistency;

/// Which way a guest is brought to rest, and what a snapshot taken so is worth: the tables of `docs/consistency.md`,
/// and nothing else decides either.
final class ConsistencyRules {
    private ConsistencyRules() {}

    enum Machine {
        OFF,
        PAUSED,
        RUNNING
    }

    enum GuestKind {
        LINUX,
        WINDOWS,
        OTHER
    }

    enum Agent {
        /// No socket was given, or nobody answers.
        NONE,
        /// It runs no commands for us.
        LIMITED,
        FULL
    }

    enum Extension {
        READY,
        UNAVAILABLE,
        UNWANTED
    }

    enum Next {
        KEEP,
        FAIL,
        AGAIN_BY_AGENT,
        AGAIN_FLUSHED,
        AGAIN_WITHOUT
    }

    /// @param consistency of a snapshot that is kept; CRASH otherwise
    /// @param code why it is not better; empty if nothing is better
    record Verdict(Next next, Consistency consistency, String code) {
        private static Verdict keep(Consistency consistency, String code) {
            return new Verdict(Next.KEEP, consistency, code);
        }

        private static Verdict not(Next next, String code) {
            return new Verdict(next, Consistency.CRASH, code);
        }
    }

    static Way way(
            Machine machine,
            GuestKind system,
            Agent agent,
            Extension extension,
            boolean writersFailedLately) {
        if (machine != Machine.RUNNING || agent == Agent.NONE) {
            return Way.NOTHING;
        }
        boolean isReady = agent == Agent.FULL && extension == Extension.READY;
        return switch (system) {
            case LINUX -> isReady ? Way.EXTENSION : Way.AGENT;
            case OTHER -> Way.AGENT;
            case WINDOWS -> {
                if (!isReady) {
                    yield Way.AGENT_VSS;
                }
                yield writersFailedLately ? Way.FLUSH : Way.VSS;
            }
        };
    }

    /// The best that a way can reach.
    static Consistency best(Machine machine, Way way) {
        if (machine == Machine.OFF) {
            return Consistency.STOPPED;
        }
        return switch (way) {
            case NOTHING -> Consistency.CRASH;
            case AGENT, FLUSH -> Consistency.FILE_SYSTEM;
            case EXTENSION, VSS, AGENT_VSS -> Consistency.APPLICATION;
        };
    }

    /// Of a VM that is off: whether its disks say that it was shut down.
    static Verdict stopped(Shutdown.State state) {
        return switch (state) {
            case CLEAN -> Verdict.keep(Consistency.STOPPED, "");
            case UNCLEAN -> Verdict.keep(Consistency.CRASH, "guest.not-shut-down");
            case UNKNOWN -> Verdict.keep(Consistency.CRASH, "guest.state-unknown");
        };
    }

    static Verdict verdict(Way way, Applications applications, Rest rest) {
        return switch (way) {
            case NOTHING -> Verdict.keep(Consistency.CRASH, "");
            case EXTENSION -> extension(applications, rest);
            case AGENT -> agent(rest);
            case VSS -> vss(applications, rest);
            case AGENT_VSS -> agentVss(applications, rest);
            case FLUSH ->
                    rest == Rest.HELD
                            ? Verdict.keep(Consistency.FILE_SYSTEM, "guest.flushed")
                            : Verdict.keep(Consistency.CRASH, "guest.flush-failed");
        };
    }

    private static Verdict extension(Applications applications, Rest rest) {
        if (applications == Applications.FATAL) {
            return Verdict.not(Next.FAIL, "guest.scripts-failed");
        }
        return switch (rest) {
            case LOST -> Verdict.not(Next.AGAIN_WITHOUT, "guest.thawed-early");
            case FAILED -> Verdict.keep(Consistency.CRASH, "guest.freeze-failed");
            case HELD, EMPTY, WAIVED ->
                    switch (applications) {
                        case WELL -> Verdict.keep(Consistency.APPLICATION, "");
                        case NONE -> unscripted(rest);
                        case FAILED -> scripted(rest, "guest.scripts-failed");
                        case UNKNOWN, FATAL -> scripted(rest, "guest.scripts-unknown");
                    };
        };
    }

    private static Verdict unscripted(Rest rest) {
        return switch (rest) {
            case HELD -> Verdict.keep(Consistency.FILE_SYSTEM, "guest.no-scripts");
            case EMPTY -> Verdict.keep(Consistency.CRASH, "guest.nothing-to-freeze");
            default -> Verdict.keep(Consistency.CRASH, "guest.freeze-waived");
        };
    }

    private static Verdict scripted(Rest rest, String code) {
        return switch (rest) {
            case HELD -> Verdict.keep(Consistency.FILE_SYSTEM, code);
            case EMPTY -> Verdict.keep(Consistency.CRASH, code);
            // Without a freeze the scripts were all there was.
            default -> Verdict.not(Next.FAIL, code);
        };
    }

    private static Verdict agent(Rest rest) {
        return switch (rest) {
            case LOST -> Verdict.not(Next.AGAIN_WITHOUT, "guest.thawed-early");
            case FAILED -> Verdict.keep(Consistency.CRASH, "guest.freeze-failed");
            case HELD, EMPTY, WAIVED -> unscripted(rest);
        };
    }

    private static Verdict vss(Applications applications, Rest rest) {
        if (isBad(applications)) {
            return Verdict.not(Next.AGAIN_FLUSHED, "guest.writer-failed");
        }
        return switch (rest) {
            case HELD ->
                    applications == Applications.WELL
                            ? Verdict.keep(Consistency.APPLICATION, "")
                            : Verdict.not(Next.AGAIN_FLUSHED, "guest.vss-failed");
            case LOST -> Verdict.not(Next.AGAIN_FLUSHED, "guest.vss-timeout");
            // Nothing was disturbed yet, and the agent's way needs other parts of Windows.
            case EMPTY, WAIVED, FAILED -> Verdict.not(Next.AGAIN_BY_AGENT, "guest.vss-failed");
        };
    }

    private static Verdict agentVss(Applications applications, Rest rest) {
        if (isBad(applications)) {
            return Verdict.not(Next.AGAIN_FLUSHED, "guest.writer-failed");
        }
        return switch (rest) {
            case HELD ->
                    applications == Applications.WELL
                            ? Verdict.keep(Consistency.APPLICATION, "")
                            : Verdict.keep(Consistency.FILE_SYSTEM, "guest.writers-unknown");
            case LOST -> Verdict.not(Next.AGAIN_FLUSHED, "guest.vss-timeout");
            case EMPTY, WAIVED, FAILED -> Verdict.not(Next.AGAIN_FLUSHED, "guest.vss-failed");
        };
    }

    private static boolean isBad(Applications applications) {
        return applications == Applications.FAILED || applications == Applications.FATAL;
    }
}
