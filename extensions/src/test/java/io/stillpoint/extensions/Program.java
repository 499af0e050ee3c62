package io.stillpoint.extensions;

import io.stillpoint.platform.Json;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.Assumptions;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/// The program as it was built, in a package, and a folder in memory that stands for the root of a guest. Its user stands for
/// root. Closing ends what it left running and removes the folder.
final class Program implements AutoCloseable {
    static final String VERSION = "1.0.0";
    static final Path AZURE = Path.of("etc/azure");
    static final Path OURS = Path.of("etc/stillpoint");
    static final String CONFIGURATION = "VMSnapshotScriptPluginConfig.json";

    private static final String RESOURCES = "/io/stillpoint/extensions/VMSnapshotLinux/";

    /// More than any test's scripts take, on a slow machine.
    private static final long SECONDS_MAX = 90;

    private final Path root;
    private final Path folder;
    private final List<String> runner;

    /// How a verb ended.
    record Answer(int exit, ObjectNode json) {
        String code() {
            return json.path("code").asString();
        }

        JsonNode scripts() {
            return json.path("scripts");
        }
    }

    private Program(Path root, Path folder, List<String> runner) {
        this.root = root;
        this.folder = folder;
        this.runner = runner;
    }

    /// For this machine's processor, its package in a folder.
    static Program in(Path folder) {
        return in(folder, "x86_64", List.of());
    }

    /// @param runner what runs programs of the architecture
    static Program in(Path folder, String architecture, List<String> runner) {
        byte[] executable = executable(architecture);
        try {
            Path root = Files.createTempDirectory(Path.of("/dev/shm"), "vmsnapshot-");
            Program program = new Program(root, folder.toRealPath(), runner);
            for (String name :
                    List.of("run", "var/lib", "etc/azure", "etc/stillpoint", "proc/self")) {
                Files.createDirectories(root.resolve(name));
            }
            Files.writeString(root.resolve("proc/self/mountinfo"), "");
            Files.write(program.executable(), executable);
            program.mode(program.executable(), "rwx------");
            program.writeManifest();
            return program;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /// One that is installed and takes snapshots.
    static Program enabledIn(Path folder) {
        Program program = in(folder);
        program.required("install");
        program.required("enable");
        return program;
    }

    private static byte[] executable(String architecture) {
        try (InputStream in =
                Program.class.getResourceAsStream(RESOURCES + architecture + "/vmsnapshot")) {
            if (in != null) {
                return in.readAllBytes();
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        throw missing("the program for " + architecture + " was not built, a compiler is missing");
    }

    /// As [#absent], for what can be installed.
    static RuntimeException missing(String what) {
        return absent(what + "; install what is needed with: scripts/packages build test");
    }

    /// Skips the test, or fails it where nothing may be skipped.
    static RuntimeException absent(String reason) {
        if ("true".equals(System.getenv("CI"))) {
            Assertions.fail(reason);
        }
        System.err.println("skipped: " + reason);
        return Assumptions.abort(reason);
    }

    Path executable() {
        return folder.resolve("vmsnapshot");
    }

    Path manifest() {
        return folder.resolve("manifest.json");
    }

    /// A file of the guest.
    Path path(String name) {
        return root.resolve(name);
    }

    /// Its folder in memory, which is made at the first snapshot.
    Path runFolder() {
        return path("run/stillpoint/VMSnapshotLinux");
    }

    /// The manifest of the files as they are.
    void writeManifest() throws IOException {
        byte[] bytes = Files.readAllBytes(executable());
        ObjectNode manifest = Json.object();
        manifest.put("type", "VMSnapshotLinux").put("version", VERSION);
        manifest.put("executable", "vmsnapshot");
        ObjectNode file = manifest.putArray("files").addObject();
        file.put("path", "vmsnapshot").put("bytes", bytes.length).put("sha256", sha256(bytes));
        Files.write(manifest(), Json.bytes(manifest));
    }

    private static String sha256(byte[] bytes) {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }

    void mode(Path file, String mode) {
        try {
            Files.setPosixFilePermissions(file, PosixFilePermissions.fromString(mode));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /// A script that only its owner may use.
    Path script(String name, String body) {
        try {
            Path script = Files.writeString(root.resolve(name), body + "\n");
            mode(script, "rwx------");
            return script;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /// Writes the configuration, with a mode that is allowed.
    Path configure(String json) {
        return configure(AZURE, json);
    }

    Path configure(Path where, String json) {
        try {
            Path file = Files.writeString(root.resolve(where).resolve(CONFIGURATION), json);
            mode(file, "rw-------");
            return file;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /// A configuration with these scripts, and more members.
    Path configure(String pre, String post, String more) {
        String locations =
                Json.object()
                        .put("preScriptLocation", pre)
                        .put("postScriptLocation", post)
                        .toString();
        String members = more.isEmpty() ? "" : "," + more;
        return configure(locations.substring(0, locations.length() - 1) + members + "}");
    }

    Answer required(String... arguments) {
        Answer answer = run(arguments);
        if (answer.exit() != 0) {
            throw new AssertionError(List.of(arguments) + ": " + answer);
        }
        return answer;
    }

    /// Runs a verb to its end.
    Answer run(String... arguments) {
        List<String> command = new ArrayList<>(runner);
        command.add(executable().toString());
        command.addAll(List.of(arguments[0], "--root", root.toString()));
        command.addAll(List.of(arguments).subList(1, arguments.length));
        try {
            Process process =
                    new ProcessBuilder(command)
                            .redirectError(ProcessBuilder.Redirect.INHERIT)
                            .start();
            process.getOutputStream().close();
            byte[] output = process.getInputStream().readAllBytes();
            if (!process.waitFor(SECONDS_MAX, TimeUnit.SECONDS)) {
                process.destroyForcibly();
                throw new AssertionError("did not end: " + command);
            }
            if (!(parsed(output).orElse(null) instanceof ObjectNode json)) {
                throw new AssertionError(
                        command
                                + " ended with "
                                + process.exitValue()
                                + " and said: "
                                + new String(output, StandardCharsets.UTF_8));
            }
            return new Answer(process.exitValue(), json);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError(e);
        }
    }

    private static Optional<JsonNode> parsed(byte[] json) {
        try {
            return Optional.of(Json.parse(json));
        } catch (RuntimeException e) {
            return Optional.empty();
        }
    }

    /// What the host reads of a snapshot.
    JsonNode status() {
        try {
            return Json.parse(Files.readAllBytes(runFolder().resolve("status.json")));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /// Waits for a state.
    JsonNode awaitState(String state) {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(SECONDS_MAX);
        while (true) {
            JsonNode status = status();
            if (status.path("state").asString().equals(state)) {
                return status;
            }
            if (System.nanoTime() > end) {
                throw new AssertionError("never " + state + ": " + status);
            }
            pause();
        }
    }

    static void pause() {
        try {
            Thread.sleep(10);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError(e);
        }
    }

    /// Commands as the host does.
    void control(String line) {
        try {
            Files.writeString(runFolder().resolve("control"), line + "\n");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /// Of the processes of a snapshot the one of this name: `vmsnapshot` works, `stillpoint-thaw` guards.
    long process(String name) {
        return processes(name).findAny().orElseThrow().pid();
    }

    boolean isRunning(String name) {
        return processes(name).findAny().isPresent();
    }

    private Stream<ProcessHandle> processes(String name) {
        return ProcessHandle.allProcesses()
                .filter(process ->
                        process.info()
                                .command()
                                .filter(executable().toString()::equals)
                                .isPresent())
                .filter(process -> name.isEmpty() || nameOf(process).equals(name));
    }

    private static String nameOf(ProcessHandle process) {
        try {
            return Files.readString(Path.of("/proc/" + process.pid() + "/comm")).strip();
        } catch (IOException e) {
            // It has ended.
            return "";
        }
    }

    static void kill(String signal, long process) {
        try {
            int exit =
                    new ProcessBuilder("kill", "-" + signal, Long.toString(process))
                            .start()
                            .waitFor();
            if (exit != 0) {
                throw new AssertionError("kill -" + signal + " " + process + ": " + exit);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError(e);
        }
    }

    /// All files and folders below the root, by name.
    List<String> files() {
        try (Stream<Path> files = Files.walk(root)) {
            return files.map(file -> root.relativize(file).toString()).sorted().toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public void close() throws IOException {
        processes("").forEach(ProcessHandle::destroyForcibly);
        try (Stream<Path> files = Files.walk(root)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(file);
            }
        }
    }
}
