package io.stillpoint.demo;

import java.io.File;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/// Finds programs as a shell would, and in the folders for administrators that users lack on their PATH.
public final class Programs {
    private final String path;

    private Programs(String path) {
        this.path = path;
    }

    /// The programs that a process with this environment sees.
    public static Programs of(Map<String, String> environment) {
        return new Programs(
                environment.getOrDefault("PATH", "") + File.pathSeparator + "/usr/sbin:/sbin");
    }

    public Optional<Path> find(String name) {
        return Stream.of(path.split(File.pathSeparator))
                .filter(folder -> !folder.isEmpty())
                .map(folder -> Path.of(folder, name))
                .filter(file -> Files.isRegularFile(file) && Files.isExecutable(file))
                .findFirst();
    }
}
