package io.stillpoint.cli;

import io.stillpoint.platform.MachineException;
import io.stillpoint.platform.StillpointException;
import io.stillpoint.platform.disk.Reason;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.nio.file.FileSystemException;
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
                            Output.words(known.text()),
                            known.retryable(),
                            ExitCode.of(known));
            case OutOfMemoryError memory -> of(MachineException.noMemory(memory));
            case InvalidPathException path ->
                    of(MachineException.unusable(path, Readiness.charset()));
            case IOException io -> ofSystem(io);
            case UncheckedIOException io -> ofSystem(io);
            default -> defect(e);
        };
    }

    /// What no part of the program foresaw, but is no fault of its.
    private static Failure ofSystem(Exception e) {
        Throwable cause = e.getCause() == null ? e : e.getCause();
        String file = cause instanceof FileSystemException of ? String.valueOf(of.getFile()) : "";
        String message =
                file.isEmpty()
                        ? Output.text("error.system", Reason.of(e))
                        : Output.text("error.file", file, Reason.of(e));
        return new Failure("error.system", message, true, ExitCode.ENVIRONMENT);
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
