package io.stillpoint.hypervisor;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/// Another JVM on this test's classes, to be killed.
public final class ChildJvm implements AutoCloseable {
    private final Process process;
    private final BufferedReader output;
    private final String firstLine;

    /// Starts `main` and waits until it has printed its first line.
    public ChildJvm(Class<?> main, String... arguments) {
        // Surefire's own class path is a jar that points to the real one.
        String path =
                System.getProperty(
                        "surefire.test.class.path", System.getProperty("java.class.path"));
        List<String> command =
                new ArrayList<>(
                        List.of(
                                ProcessHandle.current().info().command().orElse("java"),
                                "--enable-native-access=ALL-UNNAMED",
                                "-XX:TieredStopAtLevel=1",
                                "-cp",
                                path,
                                main.getName()));
        command.addAll(Arrays.asList(arguments));
        try {
            process =
                    new ProcessBuilder(command)
                            .redirectError(ProcessBuilder.Redirect.INHERIT)
                            .start();
            output =
                    new BufferedReader(
                            new InputStreamReader(
                                    process.getInputStream(), StandardCharsets.UTF_8));
            String line = output.readLine();
            if (line == null) {
                throw new AssertionError(main + " ended without a word");
            }
            firstLine = line;
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    public String firstLine() {
        return firstLine;
    }

    /// Waits until it has printed this line.
    public void await(String line) {
        try {
            String next = firstLine;
            while (next != null && !next.equals(line)) {
                next = output.readLine();
            }
            if (next == null) {
                throw new AssertionError("ended without " + line);
            }
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    public ProcessHandle handle() {
        return process.toHandle();
    }

    /// kill -9.
    @Override
    public void close() {
        try {
            process.destroyForcibly().waitFor();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }
}
