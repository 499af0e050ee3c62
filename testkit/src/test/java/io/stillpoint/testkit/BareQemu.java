package io.stillpoint.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import io.stillpoint.hypervisor.VirtualMachine;
import io.stillpoint.hypervisor.qemu.QemuVm;
import io.stillpoint.platform.Json;
import io.stillpoint.platform.Threads;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/// A real QEMU without a guest system: its firmware runs, and writes are made through the devices' own block backends, as a
/// guest's would be. Its disks are `d1` in qcow2 and `d2` in raw. The test has a monitor of its own.
final class BareQemu implements TestedVm {
    private static final List<String> DISKS = List.of("d1", "d2");
    private static final String OURS = "sp-";

    private final Path folder;
    private @Nullable Process process;
    private @Nullable SocketChannel control;
    private @Nullable BufferedReader answers;

    BareQemu(Path folder) {
        RealParts.assumePrograms("qemu-system-x86_64", "qemu-img");
        this.folder = folder;
        for (String disk : DISKS) {
            HostCommand.run(
                    "qemu-img",
                    "create",
                    "-q",
                    "-f",
                    format(disk),
                    image(disk).toString(),
                    Integer.toString(DISK_BYTES));
        }
        start();
    }

    private static String format(String disk) {
        return disk.equals("d1") ? "qcow2" : "raw";
    }

    private Path image(String disk) {
        return folder.resolve(disk + "." + format(disk));
    }

    @Override
    public void start() {
        List<String> command =
                new ArrayList<>(
                        List.of(
                                // Its answers to qemu-io, line by line.
                                "stdbuf",
                                "-oL",
                                "qemu-system-x86_64",
                                "-accel",
                                "tcg",
                                "-M",
                                "q35",
                                "-m",
                                "32",
                                "-nodefaults",
                                "-display",
                                "none",
                                "-name",
                                "bare",
                                "-qmp",
                                socket("qmp"),
                                "-qmp",
                                socket("control")));
        for (String disk : DISKS) {
            command.addAll(
                    List.of(
                            "-blockdev",
                            "driver=%s,node-name=%s,file.driver=file,file.filename=%s"
                                    .formatted(format(disk), disk, image(disk)),
                            "-device",
                            "virtio-blk-pci,id=dev-%s,drive=%s,serial=%s"
                                    .formatted(disk, disk, disk)));
        }
        try {
            Files.deleteIfExists(folder.resolve("control.sock"));
            process =
                    new ProcessBuilder(command)
                            .redirectErrorStream(true)
                            .redirectOutput(folder.resolve("qemu.log").toFile())
                            .start();
            connect(process);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private String socket(String name) {
        return "unix:" + folder.resolve(name + ".sock") + ",server=on,wait=off";
    }

    private void connect(Process started) throws IOException {
        while (true) {
            SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX);
            try {
                channel.connect(UnixDomainSocketAddress.of(folder.resolve("control.sock")));
            } catch (IOException e) {
                channel.close();
                if (!started.isAlive()) {
                    throw new AssertionError(log(), e);
                }
                pause();
                continue;
            }
            control = channel;
            answers = new BufferedReader(Channels.newReader(channel, StandardCharsets.UTF_8));
            answers.readLine();
            execute("qmp_capabilities", Json.object());
            return;
        }
    }

    private static void pause() {
        try {
            Thread.sleep(10);
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    /// For one thread at a time.
    private synchronized JsonNode execute(String command, ObjectNode arguments) {
        SocketChannel to = control;
        BufferedReader from = answers;
        if (to == null || from == null) {
            throw new AssertionError("not connected");
        }
        ObjectNode message = Json.object().put("execute", command);
        message.set("arguments", arguments);
        try {
            ByteBuffer bytes = ByteBuffer.wrap((message + "\n").getBytes(StandardCharsets.UTF_8));
            while (bytes.hasRemaining()) {
                to.write(bytes);
            }
            while (true) {
                String line = from.readLine();
                if (line == null) {
                    throw new AssertionError("QEMU ended: " + log());
                }
                JsonNode answer = Json.parse(line.getBytes(StandardCharsets.UTF_8));
                if (answer.has("error")) {
                    throw new AssertionError(command + ": " + answer);
                }
                if (answer.has("return")) {
                    return answer.path("return");
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private String log() {
        try {
            return Files.readString(folder.resolve("qemu.log"));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public List<String> disks() {
        return DISKS;
    }

    @Override
    public VirtualMachine open() {
        return QemuVm.open(folder.resolve("qmp.sock"), Threads.ofProcess());
    }

    /// The answer of qemu-io goes to QEMU's output.
    @Override
    public synchronized void write(String disk, long offset, int length, int pattern) {
        int before = log().length();
        execute(
                "human-monitor-command",
                Json.object()
                        .put(
                                "command-line",
                                "qemu-io -d /machine/peripheral/dev-%s/virtio-backend \"write -P %d %d %d\""
                                        .formatted(disk, pattern, offset, length)));
        assertThat(log().substring(before)).contains("wrote " + length + "/" + length);
    }

    @Override
    public List<String> traces() {
        List<String> traces = new ArrayList<>();
        if (process != null && process.isAlive()) {
            for (JsonNode export : execute("query-block-exports", Json.object())) {
                traces.add("export " + export.path("id").asString());
            }
            for (JsonNode job : execute("query-jobs", Json.object())) {
                traces.add("job " + job.path("id").asString());
            }
            for (JsonNode node :
                    execute("query-named-block-nodes", Json.object().put("flat", true))) {
                String name = node.path("node-name").asString("");
                if (name.startsWith(OURS)) {
                    traces.add("node " + name);
                }
            }
            for (JsonNode object : execute("qom-list", Json.object().put("path", "/objects"))) {
                String name = object.path("name").asString("");
                // A job that is at work here has a mark.
                if (name.startsWith(OURS) && !name.contains("-owner-")) {
                    traces.add("object " + name);
                }
            }
        }
        Path scratch = folder.resolve("scratch");
        if (Files.exists(scratch)) {
            try (var files = Files.list(scratch)) {
                files.forEach(file -> traces.add("file " + file.getFileName()));
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
        return traces;
    }

    @Override
    public void kill() {
        Process running = process;
        SocketChannel channel = control;
        if (running == null || channel == null) {
            return;
        }
        try {
            running.destroyForcibly();
            assertThat(running.waitFor(10, TimeUnit.SECONDS)).isTrue();
            channel.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    @Override
    public void close() {
        kill();
    }
}
