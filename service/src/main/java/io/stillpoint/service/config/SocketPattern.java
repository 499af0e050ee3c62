package io.stillpoint.service.config;

import java.io.IOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/// An absolute path whose parts may have `*` and `?` in them, and mean any names then.
public record SocketPattern(String text) {
    /// More than any host has VMs.
    private static final int MATCHES_MAX = 10_000;

    public SocketPattern {
        if (!text.startsWith("/") || text.contains("**")) {
            throw new IllegalArgumentException(text);
        }
        try {
            Path _ = Path.of(text);
        } catch (InvalidPathException e) {
            throw new IllegalArgumentException(text, e);
        }
    }

    /// What is there now, in order. What can't be read is as if it were not there.
    public List<Path> matches() {
        List<Path> found = List.of(Path.of("/"));
        for (Path part : Path.of(text)) {
            List<Path> next = new ArrayList<>();
            for (Path folder : found) {
                add(folder, part.toString(), next);
            }
            found = next;
        }
        return found.stream().filter(Files::exists).sorted().limit(MATCHES_MAX).toList();
    }

    private static void add(Path folder, String part, List<Path> to) {
        if (part.indexOf('*') < 0 && part.indexOf('?') < 0) {
            to.add(folder.resolve(part));
            return;
        }
        // Of a glob's signs these two alone are meant.
        String glob = part.replaceAll("[\\\\\\[\\]{}]", "\\\\$0");
        try (DirectoryStream<Path> entries = Files.newDirectoryStream(folder, glob)) {
            entries.forEach(to::add);
        } catch (IOException | DirectoryIteratorException e) {
            // Nobody can say what is there.
        }
    }

    @Override
    public String toString() {
        return text;
    }
}
