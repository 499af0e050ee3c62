package io.stillpoint.cli;

import io.stillpoint.platform.Json;
import io.stillpoint.platform.MachineException;
import io.stillpoint.platform.StillpointException;
import java.nio.file.InvalidPathException;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ObjectNode;

/// What is told of a command that ended by what nobody foresaw, an [Error] mostly. Jobs have undone by then what they had
/// begun.
final class LastResort {
    private LastResort() {}

    /// Tells it, and returns the exit status.
    static int report(Throwable e, String... arguments) {
        try {
            StillpointException known = known(e);
            if (known == null) {
                System.err.println(Output.text("error.defect"));
                e.printStackTrace();
                return ExitCode.DEFECT.status();
            }
            if (Arrays.asList(arguments).contains("--json")) {
                ObjectNode json = Json.object();
                json.putObject("error")
                        .put("code", known.code())
                        .put("message", known.getMessage())
                        .put("retryable", known.retryable());
                System.out.println(Json.pretty(json));
            } else {
                System.err.println("stillpoint: " + known.getMessage());
            }
            return ExitCode.of(known).status();
        } catch (OutOfMemoryError _) {
            // Not even for that much.
            return ExitCode.ENVIRONMENT.status();
        }
    }

    /// As something that users can act on; null if it is none.
    static @Nullable StillpointException known(Throwable e) {
        return switch (e) {
            case StillpointException itself -> itself;
            case OutOfMemoryError memory -> MachineException.noMemory(memory);
            case InvalidPathException path ->
                    MachineException.unusable(path, Readiness.charset());
            default -> null;
        };
    }
}
