package io.stillpoint.testkit.fake;

import io.stillpoint.platform.Json;
import java.util.Arrays;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/// The files of a [FakeGuest], with the commands of its agent that reach them. Folders exist where there is a file.
/// Guarded by the guest.
final class FakeFiles {
    private static final byte[] NOTHING = {};

    private final Map<String, byte[]> files = new TreeMap<>();

    /// Named pipes: who reads what is written there.
    private final Map<String, Consumer<String>> pipes = new HashMap<>();

    private final Map<Long, Handle> handles = new HashMap<>();
    private long lastHandle = 1000;

    /// The agent says no.
    static final class RefusedException extends RuntimeException {
        private static final long serialVersionUID = 1L;

        RefusedException(String words) {
            super(words);
        }
    }

    private static final class Handle {
        final String path;
        final boolean isWritable;
        int at;

        Handle(String path, boolean isWritable) {
            this.path = path;
            this.isWritable = isWritable;
        }
    }

    List<String> paths() {
        return List.copyOf(files.keySet());
    }

    boolean exists(String path) {
        return files.containsKey(path);
    }

    Optional<byte[]> content(String path) {
        return Optional.ofNullable(files.get(path));
    }

    void put(String path, byte[] content) {
        files.put(path, content);
    }

    boolean remove(String path) {
        return files.remove(path) != null;
    }

    /// All files whose paths begin so.
    List<String> below(String prefix) {
        return files.keySet().stream().filter(path -> path.startsWith(prefix)).toList();
    }

    void removeBelow(String prefix) {
        files.keySet().removeIf(path -> path.startsWith(prefix));
        pipes.keySet().removeIf(path -> path.startsWith(prefix));
    }

    void move(String from, String to) {
        for (String path : below(from)) {
            byte[] content = files.remove(path);
            files.put(to + path.substring(from.length()), content == null ? NOTHING : content);
        }
    }

    void pipe(String path, Consumer<String> reader) {
        pipes.put(path, reader);
    }

    void removePipe(String path) {
        pipes.remove(path);
    }

    /// What the agent had open.
    void closeAll() {
        handles.clear();
    }

    JsonNode obey(String command, ObjectNode arguments) {
        if (command.equals("guest-file-open")) {
            return open(arguments.path("path").asString(""), arguments.path("mode").asString("r"));
        }
        Handle handle = handles.get(arguments.path("handle").asLong(-1));
        if (handle == null) {
            throw new RefusedException(
                    "handle '%s' has not been found".formatted(arguments.path("handle")));
        }
        return switch (command) {
            case "guest-file-read" -> read(handle, arguments.path("count").asInt(4096));
            case "guest-file-write" -> write(handle, arguments.path("buf-b64").asString(""));
            case "guest-file-seek" -> {
                handle.at = arguments.path("offset").asInt(0);
                yield Json.object().put("position", handle.at).put("eof", false);
            }
            case "guest-file-close" -> {
                handles.remove(arguments.path("handle").asLong(-1));
                yield Json.object();
            }
            default -> Json.object();
        };
    }

    private JsonNode open(String path, String mode) {
        boolean isNew = mode.startsWith("w") || mode.startsWith("a");
        if (!pipes.containsKey(path) && !files.containsKey(path)) {
            if (!isNew || !path.startsWith("/")) {
                throw new RefusedException(
                        "failed to open file '%s' (mode: '%s'): No such file or directory"
                                .formatted(path, mode));
            }
        }
        if (mode.startsWith("w")) {
            files.put(path, NOTHING);
        }
        Handle handle = new Handle(path, isNew || mode.contains("+"));
        byte[] content = files.getOrDefault(path, NOTHING);
        handle.at = mode.startsWith("a") ? content.length : 0;
        handles.put(++lastHandle, handle);
        return Json.array().add(lastHandle).get(0);
    }

    private JsonNode read(Handle handle, int count) {
        if (pipes.containsKey(handle.path)) {
            throw new RefusedException("failed to read file: Resource temporarily unavailable");
        }
        byte[] content = files.getOrDefault(handle.path, NOTHING);
        int from = Math.min(handle.at, content.length);
        int to = Math.min(content.length, from + count);
        handle.at = to;
        return Json.object()
                .put("count", to - from)
                .put(
                        "buf-b64",
                        Base64.getEncoder().encodeToString(Arrays.copyOfRange(content, from, to)))
                .put("eof", to - from < count);
    }

    private JsonNode write(Handle handle, String base64) {
        if (!handle.isWritable) {
            throw new RefusedException("failed to write to file: Bad file descriptor");
        }
        byte[] bytes = Base64.getDecoder().decode(base64);
        @Nullable Consumer<String> reader = pipes.get(handle.path);
        if (reader != null) {
            reader.accept(new String(bytes, java.nio.charset.StandardCharsets.UTF_8));
        } else {
            byte[] old = files.getOrDefault(handle.path, NOTHING);
            byte[] content = Arrays.copyOf(old, Math.max(old.length, handle.at + bytes.length));
            System.arraycopy(bytes, 0, content, handle.at, bytes.length);
            handle.at += bytes.length;
            files.put(handle.path, content);
        }
        return Json.object().put("count", bytes.length).put("eof", false);
    }
}
