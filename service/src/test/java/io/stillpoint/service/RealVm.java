package io.stillpoint.service;

import io.stillpoint.platform.Json;
import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/// A QEMU without a guest system, with one disk, in a folder of its own.
final class RealVm implements AutoCloseable {
    static final int DISK_BYTES = 16 << 20;

    final Path folder;
    String name;
    private final UUID uuid;
    private Process process;

    private RealVm(Path folder, String name, UUID uuid) throws IOException {
        this.folder = folder;
        this.name = name;
        this.uuid = uuid;
        process = begin();
    }

    static RealVm start(Path folder, String name) throws IOException {
        Files.createDirectories(folder);
        try (var disk =
                Files.newByteChannel(
                        folder.resolve("disk.raw"),
                        java.nio.file.StandardOpenOption.CREATE,
                        java.nio.file.StandardOpenOption.WRITE)) {
            disk.position(DISK_BYTES - 1);
            disk.write(java.nio.ByteBuffer.allocate(1));
        }
        return new RealVm(
                folder,
                name,
                UUID.nameUUIDFromBytes(folder.toString().getBytes(StandardCharsets.UTF_8)));
    }

    /// The VM that was in another folder before, after its folder was moved.
    static RealVm again(Path folder, String name, Path before) throws IOException {
        return new RealVm(
                folder,
                name,
                UUID.nameUUIDFromBytes(before.toString().getBytes(StandardCharsets.UTF_8)));
    }

    String id() {
        return uuid.toString();
    }

    Path disk() {
        return folder.resolve("disk.raw");
    }

    private Process begin() throws IOException {
        List<String> command =
                new ArrayList<>(
                        List.of(
                                "qemu-system-x86_64",
                                "-accel",
                                "tcg",
                                "-machine",
                                "q35",
                                "-m",
                                "64",
                                "-nodefaults",
                                "-no-user-config",
                                "-display",
                                "none",
                                "-name",
                                name,
                                "-uuid",
                                uuid.toString(),
                                "-qmp",
                                "unix:" + folder.resolve("backup.qmp") + ",server=on,wait=off",
                                "-qmp",
                                "unix:" + folder.resolve("control.qmp") + ",server=on,wait=off",
                                "-blockdev",
                                "driver=raw,node-name=d,file.driver=file,file.filename=" + disk(),
                                "-device",
                                "virtio-blk-pci,id=disk,drive=d,serial=root"));
        Process started =
                new ProcessBuilder(command)
                        .redirectErrorStream(true)
                        .redirectOutput(new File(folder.toFile(), "qemu.log"))
                        .start();
        awaitListening(started, folder.resolve("control.qmp"));
        awaitListening(started, folder.resolve("backup.qmp"));
        return started;
    }

    /// A socket is there before somebody listens.
    private void awaitListening(Process started, Path socket) throws IOException {
        while (true) {
            try (SocketChannel _ = SocketChannel.open(UnixDomainSocketAddress.of(socket))) {
                return;
            } catch (IOException e) {
                if (!started.isAlive()) {
                    throw new AssertionError(Files.readString(folder.resolve("qemu.log")), e);
                }
                LockSupport.parkNanos(10_000_000);
            }
        }
    }

    /// Writes a pattern as the guest would.
    void write(long offset, int length, int pattern) {
        String answer =
                human(
                        "qemu-io -d /machine/peripheral/disk/virtio-backend \"write -P "
                                + pattern
                                + " "
                                + offset
                                + " "
                                + length
                                + "\"");
        if (!answer.isEmpty()) {
            throw new AssertionError(answer);
        }
    }

    String human(String command) {
        return execute(
                        Json.object()
                                .put("execute", "human-monitor-command")
                                .set("arguments", Json.object().put("command-line", command)))
                .path("return")
                .asString("");
    }

    JsonNode execute(JsonNode command) {
        try (SocketChannel channel =
                        SocketChannel.open(
                                UnixDomainSocketAddress.of(folder.resolve("control.qmp")));
                OutputStream out = Channels.newOutputStream(channel);
                BufferedReader in =
                        new BufferedReader(
                                new InputStreamReader(
                                        Channels.newInputStream(channel),
                                        StandardCharsets.UTF_8))) {
            ask(out, in, Json.object().put("execute", "qmp_capabilities"));
            return ask(out, in, command);
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    private static JsonNode ask(OutputStream out, BufferedReader in, JsonNode command)
            throws IOException {
        out.write((command + "\n").getBytes(StandardCharsets.UTF_8));
        out.flush();
        while (true) {
            String line = in.readLine();
            if (line == null) {
                throw new IOException("QEMU ended");
            }
            JsonNode answer = Json.parse(line);
            if (answer.has("return") || answer.has("error")) {
                return answer;
            }
        }
    }

    /// Nodes of ours.
    List<String> traces() {
        List<String> traces = new ArrayList<>();
        ObjectNode ask = Json.object().put("execute", "query-named-block-nodes");
        for (JsonNode node : execute(ask).path("return")) {
            String name = node.path("node-name").asString("");
            if (name.startsWith("sp-")) {
                traces.add(name);
            }
        }
        return traces;
    }

    /// It starts again under this name.
    void rename(String another) throws IOException {
        name = another;
        restart();
    }

    void restart() throws IOException {
        close();
        process = begin();
    }

    @Override
    public void close() {
        process.destroyForcibly();
        try {
            boolean _ = process.waitFor(20, TimeUnit.SECONDS);
            Files.deleteIfExists(folder.resolve("control.qmp"));
            Files.deleteIfExists(folder.resolve("backup.qmp"));
        } catch (InterruptedException | IOException e) {
            throw new AssertionError(e);
        }
    }
}
