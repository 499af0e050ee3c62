package io.stillpoint.cli;

import io.stillpoint.platform.ByteSize;
import io.stillpoint.platform.MachineException;
import io.stillpoint.platform.StillpointException;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;

/// Why a command failed, in words. What is no error of the outside is a defect: its details are of use to nobody but
/// those who mend it, so they go to a file.
///
/// @param code stable
record Failure(String code, String message, boolean isRetryable, ExitCode exit) {
    static Failure of(Throwable e) {
        return switch (e) {
            case StillpointException known ->
                    new Failure(
                            known.code(),
                            known.getMessage(),
                            known.retryable(),
                            ExitCode.of(known));
            case OutOfMemoryError memory ->
                    of(
                            new MachineException(
                                    "platform.no-memory",
                                    memory,
                                    new ByteSize(Runtime.getRuntime().maxMemory())));
            case InvalidPathException path ->
                    of(
                            new MachineException(
                                    "platform.unusable-path",
                                    path,
                                    path.getInput(),
                                    Readiness.charset()));
            default -> defect(e);
        };
    }

    private static Failure defect(Throwable e) {
        String where = details(e);
        String message =
                where.isEmpty()
                        ? Output.text("error.defect-untold")
                        : Output.text("error.defect", where);
        return new Failure("error.defect", message, false, ExitCode.DEFECT);
    }

    /// Writes them, and returns the file's name; empty if it can't be written.
    private static String details(Throwable e) {
        StringWriter text = new StringWriter();
        try (PrintWriter lines = new PrintWriter(text)) {
            lines.println("stillpoint " + Version.text());
            lines.println(property("os") + ", Java " + Runtime.version());
            e.printStackTrace(lines);
        }
        try {
            Path file = Files.createTempFile("stillpoint-defect-", ".txt");
            Files.writeString(file, text.toString());
            return file.toString();
        } catch (IOException | UncheckedIOException _) {
            // The message says how the details can be had otherwise.
            return "";
        }
    }

    private static String property(String name) {
        return System.getProperty(name + ".name") + " " + System.getProperty(name + ".version");
    }
}
