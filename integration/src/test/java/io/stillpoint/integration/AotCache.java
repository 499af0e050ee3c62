package io.stillpoint.integration;

import io.stillpoint.cli.TrainingRun;
import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;

/// The cache of loaded classes with which the `stillpoint` script starts the command, made once after each build for all
/// tests. It holds classes of jars alone: where the tests run on folders of classes, as in an IDE, the command starts
/// without one.
///
/// @param options of the JVM that use it; none without one
/// @param classPath of the command
record AotCache(List<String> options, String classPath) {
    /// The collector's kind is part of what is cached.
    private static final List<String> LIKE_THE_TESTS =
            List.of("-Xmx512m", "-XX:+UseSerialGC", "--enable-native-access=ALL-UNNAMED");

    /// Made in the folder if it is not there, or of other jars. One process makes it, others that come meanwhile wait.
    ///
    /// @param classPath of the tests; what is no jar is of the tests alone, if the command is in one
    static AotCache of(String classPath, Path folder) {
        List<Path> jars =
                Stream.of(classPath.split(File.pathSeparator))
                        .filter(entry -> entry.endsWith(".jar"))
                        .map(Path::of)
                        .toList();
        boolean isPackaged =
                jars.stream()
                        .anyMatch(jar -> jar.getFileName().toString().startsWith("stillpoint-cli"));
        if (!isPackaged) {
            return new AotCache(List.of(), classPath);
        }
        String path = String.join(File.pathSeparator, jars.stream().map(Path::toString).toList());
        Path cache = folder.resolve("command.aot").toAbsolutePath();
        try {
            Files.createDirectories(folder);
            try (FileChannel channel =
                            FileChannel.open(
                                    folder.resolve("command.aot.lock"),
                                    StandardOpenOption.CREATE,
                                    StandardOpenOption.WRITE);
                    FileLock lock = channel.lock()) {
                Objects.requireNonNull(lock);
                make(cache, jars, path);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        // As in the script: what the JVM says of itself must not stand in the command's output.
        return new AotCache(
                List.of("-XX:AOTCache=" + cache, "-Xlog:disable", "-Xlog:all=error:stderr"), path);
    }

    /// The list of jars, written last, says what is in the cache.
    private static void make(Path cache, List<Path> jars, String path) throws IOException {
        String wanted = list(jars);
        Path made = cache.resolveSibling("command.aot.of");
        if (Files.exists(made) && Files.readString(made).equals(wanted)) {
            return;
        }
        Files.deleteIfExists(made);
        Path work = Files.createTempDirectory("stillpoint-training");
        try {
            List<String> line = new ArrayList<>();
            line.add(java());
            line.addAll(LIKE_THE_TESTS);
            line.addAll(
                    List.of(
                            "-XX:AOTCacheOutput=" + cache,
                            "-cp",
                            path,
                            TrainingRun.class.getName(),
                            work.toString(),
                            largest(jars).toString()));
            Path log = cache.resolveSibling("command.aot.log");
            ProcessBuilder builder =
                    new ProcessBuilder(line).redirectErrorStream(true).redirectOutput(log.toFile());
            builder.environment().put("STILLPOINT_STATE_DIR", work.resolve("state").toString());
            int status = builder.start().waitFor();
            if (status != 0 || !Files.exists(cache)) {
                throw new AssertionError("no cache was made: " + Files.readString(log));
            }
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        } finally {
            remove(work);
        }
        Path list = Files.writeString(cache.resolveSibling("command.aot.new"), wanted);
        Files.move(list, made, StandardCopyOption.ATOMIC_MOVE);
    }

    /// Enough to work on: the inner loops are what a few megabytes make of them.
    private static Path largest(List<Path> jars) {
        return jars.stream()
                .max(Comparator.comparingLong(jar -> jar.toFile().length()))
                .orElseThrow();
    }

    static String java() {
        return ProcessHandle.current().info().command().orElse("java");
    }

    private static String list(List<Path> jars) throws IOException {
        List<String> lines = new ArrayList<>();
        lines.add(Runtime.version().toString());
        for (Path jar : jars) {
            lines.add(jar + " " + Files.size(jar) + " " + Files.getLastModifiedTime(jar));
        }
        return String.join(System.lineSeparator(), lines);
    }

    private static void remove(Path folder) throws IOException {
        try (Stream<Path> files = Files.walk(folder)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(file);
            }
        }
    }
}
