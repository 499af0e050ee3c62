package io.stillpoint.cli;

import io.stillpoint.platform.CancelledException;
import io.stillpoint.platform.StillpointException;

/// What the command's exit status tells. Part of the contract; shown by `stillpoint help`.
enum ExitCode {
    SUCCESS(0),
    /// A defect of Stillpoint.
    DEFECT(1),
    /// The arguments are not of the command's form.
    USAGE(2),
    /// Something the user gave is wrong: a key, a path, an id.
    INPUT(3),
    /// The machine, the VM, the guest or the store failed; trying again may help.
    ENVIRONMENT(4),
    /// Stored data are damaged.
    DAMAGE(5),
    /// Done, but with warnings: what came of it is less than it could be.
    WARNINGS(6),
    /// Stopped by Ctrl-C. After another signal the process ends with 128 and the signal's number: 143 after SIGTERM.
    CANCELLED(130);

    private final int status;

    ExitCode(int status) {
        this.status = status;
    }

    int status() {
        return status;
    }

    static ExitCode of(StillpointException e) {
        if (e instanceof CancelledException) {
            return CANCELLED;
        }
        return switch (e.blame()) {
            case USER -> INPUT;
            case ENVIRONMENT, GUEST -> ENVIRONMENT;
            case DAMAGE -> DAMAGE;
            case US -> DEFECT;
        };
    }
}
