package io.stillpoint.hypervisor.nbd;

import io.stillpoint.hypervisor.HypervisorException;
import io.stillpoint.hypervisor.HypervisorException.Kind;
import io.stillpoint.platform.disk.Reason;
import java.io.IOException;

/// The exceptions of one connection; all of them say where.
///
/// @param where the server's address and the export, as a user would recognise them
record NbdErrors(String where) {
    /// The server broke the protocol.
    HypervisorException protocol(String what, String expected, String found) {
        return new HypervisorException(
                Kind.PROTOCOL, "nbd.protocol", null, where, what, expected, found);
    }

    HypervisorException protocol(String what, long expected, long found) {
        return protocol(what, Long.toString(expected), Long.toString(found));
    }

    /// The connection is gone.
    HypervisorException lost(IOException cause) {
        return new HypervisorException(
                Kind.UNREACHABLE, "nbd.lost", cause, where, Reason.of(cause));
    }

    /// The server answered a request with an error.
    HypervisorException refused(String command, long offset, long length, int error, String text) {
        if (error == NbdWire.ERROR_SHUTDOWN) {
            return new HypervisorException(
                    Kind.UNREACHABLE, "nbd.lost", null, where, "the server shuts down");
        }
        return new HypervisorException(
                Kind.REFUSED,
                "nbd.refused",
                null,
                where,
                command,
                Long.toString(offset),
                Long.toString(length),
                errorName(error),
                text.isEmpty() ? "-" : text);
    }

    /// The names of the section "Error values".
    private static String errorName(int error) {
        return switch (error) {
            case 1 -> "EPERM";
            case 5 -> "EIO";
            case 12 -> "ENOMEM";
            case 22 -> "EINVAL";
            case 28 -> "ENOSPC";
            case 75 -> "EOVERFLOW";
            case 95 -> "ENOTSUP";
            default -> "error " + error;
        };
    }
}
