package io.stillpoint.integration;

import io.stillpoint.cli.Stillpoint;
import io.stillpoint.platform.Json;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import tools.jackson.databind.JsonNode;

/// The command as users run it: a process of its own, whose output is kept.
record Command(List<String> prefix, List<String> options, Map<String, String> environment) {
    private static final Duration PATIENCE = Duration.ofMinutes(3);

    /// What these tests know of vaults and guests: never what the user's own runs or earlier tests knew.
    private static final Path STATE = stateFolder();

    private static Path stateFolder() {
        try {
            Path folder = Files.createTempDirectory("stillpoint-test-state");
            folder.toFile().deleteOnExit();
            return folder;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /// Made when the first command is started.
    private static final class Cache {
        // Surefire's own class path is a jar that points to the real one.
        static final AotCache AOT =
                AotCache.of(
                        System.getProperty(
                                "surefire.test.class.path", System.getProperty("java.class.path")),
                        Path.of("target"));
    }

    /// With the options of the `stillpoint` script but for the optimising compiler: short runs are done before it pays off.
    Command() {
        this(
                List.of(),
                List.of("-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"),
                Map.of());
    }

    /// For runs over many megabytes: with the optimising compiler, as users run it.
    Command bulk() {
        return options(
                options.stream()
                        .filter(option -> !option.startsWith("-XX:TieredStop"))
                        .toArray(String[]::new));
    }

    Command options(String... others) {
        return new Command(prefix, List.of(others), environment);
    }

    Command environment(Map<String, String> variables) {
        return new Command(prefix, options, variables);
    }

    /// Run by another command, such as `setpriv`.
    Command prefixed(String... words) {
        return new Command(List.of(words), options, environment);
    }

    /// How a process ended.
    record Result(int status, String out, String err) {
        JsonNode json() {
            return Json.parse(out);
        }
    }

    /// Runs the command to its end.
    Result run(String... arguments) {
        try (Running running = start(arguments)) {
            return running.end();
        }
    }

    /// Starts the command. Closing it kills it.
    Running start(String... arguments) {
        // A shell has what it runs in the background ignore Ctrl-C, and children inherit that.
        List<String> line = new ArrayList<>(prefix);
        line.addAll(List.of("env", "--default-signal=INT"));
        line.add(AotCache.java());
        line.addAll(options);
        line.addAll(Cache.AOT.options());
        line.addAll(
                List.of(
                        "--enable-native-access=ALL-UNNAMED",
                        "-cp",
                        Cache.AOT.classPath(),
                        Stillpoint.class.getName()));
        line.addAll(List.of(arguments));
        try {
            Path out = Files.createTempFile("stillpoint-test", ".out");
            Path err = Files.createTempFile("stillpoint-test", ".err");
            ProcessBuilder builder = new ProcessBuilder(line);
            builder.environment().remove("STILLPOINT_VAULT");
            builder.environment().remove("STILLPOINT_KEY_FILE");
            builder.environment().remove("STILLPOINT_PASSPHRASE");
            builder.environment().remove("STILLPOINT_NEW_PASSPHRASE");
            builder.environment().put("STILLPOINT_STATE_DIR", STATE.toString());
            builder.environment().putAll(environment);
            builder.redirectOutput(out.toFile()).redirectError(err.toFile());
            return new Running(builder.start(), out, err);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /// A process that may still run.
    record Running(Process process, Path outFile, Path errFile) implements AutoCloseable {
        /// What it has said on standard error so far.
        String err() {
            return text(errFile);
        }

        /// Waits until standard error is as wanted or the process has ended; returns whether it still runs.
        boolean await(Predicate<String> wanted) {
            while (process.isAlive() && !wanted.test(err())) {
                pause(Duration.ofMillis(3));
            }
            return process.isAlive();
        }

        /// As a power cut would: it can do nothing about it.
        void kill9() {
            process.destroyForcibly();
            end();
        }

        /// As Ctrl-C does.
        void interrupt() {
            try {
                new ProcessBuilder("kill", "-INT", Long.toString(process.pid())).start().waitFor();
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            } catch (InterruptedException e) {
                throw new AssertionError(e);
            }
        }

        /// Waits for the end.
        Result end() {
            try {
                if (!process.waitFor(PATIENCE.toSeconds(), TimeUnit.SECONDS)) {
                    throw new AssertionError("still running after " + PATIENCE + ": " + err());
                }
            } catch (InterruptedException e) {
                throw new AssertionError(e);
            }
            return new Result(process.exitValue(), text(outFile), err());
        }

        @Override
        public void close() {
            process.destroyForcibly();
            try {
                process.waitFor();
                Files.deleteIfExists(outFile);
                Files.deleteIfExists(errFile);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            } catch (InterruptedException e) {
                throw new AssertionError(e);
            }
        }

        private static String text(Path file) {
            try {
                return Files.readString(file);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }

    static void pause(Duration time) {
        try {
            Thread.sleep(time);
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }
}
