package io.stillpoint.hypervisor.qemu;

import io.stillpoint.hypervisor.Binaries;
import io.stillpoint.hypervisor.HypervisorException;
import io.stillpoint.platform.Json;
import io.stillpoint.platform.Threads;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/// A real QEMU without a guest system: its firmware runs, and writes are made through the device's own block
/// backend, as a guest's would be. Knows what each disk should hold.
final class RealVm implements AutoCloseable {
    static final int DISK_BYTES = 16 << 20;

    private final List<String> before;
    private final Path folder;
    private final List<String> options = new ArrayList<>();
    private final Map<String, byte[]> contents = new HashMap<>();
    private Process process;
    private QmpClient control;

    private RealVm(Path folder, List<String> options, List<String> disks) {
        this(folder, List.of(), options, disks);
    }

    private RealVm(Path folder, List<String> before, List<String> options, List<String> disks) {
        this.before = before;
        this.folder = folder;
        this.options.addAll(options);
        disks.forEach(disk -> contents.put(disk, new byte[DISK_BYTES]));
        this.process = launch();
        this.control = awaitMonitor();
    }

    /// A virtio disk `d1` in qcow2 and one `d2` in raw.
    static RealVm start(Path folder, String... more) {
        Binaries.require("qemu-system-x86_64", "qemu-img");
        image(folder, "d1", "qcow2");
        image(folder, "d2", "raw");
        List<String> options = new ArrayList<>();
        for (String disk : List.of("d1", "d2")) {
            String format = disk.equals("d1") ? "qcow2" : "raw";
            options.addAll(
                    List.of(
                            "-blockdev",
                            "driver="
                                    + format
                                    + ",node-name="
                                    + disk
                                    + ",file.driver=file,file.filename="
                                    + folder.resolve(disk + "." + format),
                            "-device",
                            "virtio-blk-pci,id=dev-"
                                    + disk
                                    + ",drive="
                                    + disk
                                    + ",serial="
                                    + disk));
        }
        options.addAll(Arrays.asList(more));
        return new RealVm(folder, options, List.of("d1", "d2"));
    }

    /// One qcow2 disk `d1`, in a QEMU that a command before it gives other rights.
    static RealVm startBy(Path folder, List<String> before, String... more) {
        Binaries.require("qemu-system-x86_64", "qemu-img");
        Path image = image(folder, "d1", "qcow2");
        Binaries.run("chown", "nobody", image.toString());
        Binaries.run("chmod", "0777", folder.toString());
        List<String> options =
                new ArrayList<>(
                        List.of(
                                "-drive",
                                "if=none,id=d1,format=qcow2,file=" + image,
                                "-device",
                                "virtio-blk-pci,id=dev-d1,drive=d1,serial=d1"));
        options.addAll(Arrays.asList(more));
        return new RealVm(folder, before, options, List.of("d1"));
    }

    /// A VM with these options alone.
    static RealVm bare(Path folder, List<String> disks, String... options) {
        Binaries.require("qemu-system-x86_64", "qemu-img");
        return new RealVm(folder, Arrays.asList(options), disks);
    }

    static Path image(Path folder, String name, String format) {
        Path file = folder.resolve(name + "." + format);
        Binaries.run("qemu-img", "create", "-q", "-f", format, file.toString(), "" + DISK_BYTES);
        return file;
    }

    Path socket() {
        return folder.resolve("qmp.sock");
    }

    /// A second monitor, for the test.
    QmpClient control() {
        return control;
    }

    /// Writes as the guest would, and remembers.
    void write(String disk, long offset, int length, int pattern) {
        String answer = io(disk, "write -P " + pattern + " " + offset + " " + length);
        if (!answer.startsWith("wrote")) {
            throw new AssertionError(answer);
        }
        Arrays.fill(content(disk), (int) offset, (int) offset + length, (byte) pattern);
    }

    /// As [#write], for a device that has the disk's name as its id.
    void writeTo(String device, long offset, int length, int pattern) {
        String answer = ioOf(device, "write -P " + pattern + " " + offset + " " + length);
        if (!answer.startsWith("wrote")) {
            throw new AssertionError(answer);
        }
    }

    /// Runs a command of qemu-io on the device's block backend; its answer goes to QEMU's output.
    String io(String disk, String command) {
        return ioOf("dev-" + disk, command);
    }

    private String ioOf(String device, String command) {
        ObjectNode arguments =
                Json.object()
                        .put(
                                "command-line",
                                "qemu-io -d /machine/peripheral/"
                                        + device
                                        + "/virtio-backend \""
                                        + command
                                        + "\"");
        String before = log();
        control.execute("human-monitor-command", arguments);
        return log().substring(before.length());
    }

    byte[] content(String disk) {
        byte[] content = contents.get(disk);
        if (content == null) {
            throw new AssertionError(disk);
        }
        return content;
    }

    /// Every name in QEMU, of whatever kind, that starts as ours do, other than recording bitmaps.
    List<String> traces() {
        List<String> traces = new ArrayList<>();
        for (JsonNode export : control.execute("query-block-exports")) {
            traces.add("export " + export.path("id").asString());
        }
        for (JsonNode job : control.execute("query-jobs")) {
            traces.add("job " + job.path("id").asString());
        }
        for (JsonNode object : control.execute("qom-list", Json.object().put("path", "/objects"))) {
            String name = object.path("name").asString();
            if (name.startsWith("sp-") && !isOfThisProcess(name)) {
                traces.add("object " + name);
            }
        }
        for (JsonNode node : nodes()) {
            String name = node.path("node-name").asString();
            if (name.startsWith("sp-")) {
                traces.add("node " + name);
            }
            for (String bitmap : bitmaps(name)) {
                if (bitmap.endsWith("-tmp")) {
                    traces.add("bitmap " + bitmap);
                }
            }
        }
        try (var files = Files.list(folder.resolve("scratch"))) {
            files.forEach(file -> traces.add("file " + file.getFileName()));
        } catch (IOException e) {
            throw new AssertionError(e);
        }
        return traces;
    }

    /// Without the witnesses beside them.
    List<String> bitmaps(String node) {
        List<String> names = new ArrayList<>();
        for (JsonNode each : nodes()) {
            if (each.path("node-name").asString().equals(node)) {
                for (GuestDisk.Bitmap bitmap : DiskBitmaps.in(each)) {
                    if (!bitmap.name().endsWith("-w")) {
                        names.add(bitmap.name());
                    }
                }
            }
        }
        return names;
    }

    /// The mark of a job that this test has not closed yet.
    private static boolean isOfThisProcess(String mark) {
        return mark.contains("-" + ProcessHandle.current().pid() + "-");
    }

    String status() {
        return control.execute("query-status").path("status").asString();
    }

    /// An orderly end, then a new process on the same images.
    void restart() {
        restart(() -> {});
    }

    /// What is done while no QEMU runs.
    interface Meanwhile {
        void run() throws IOException;
    }

    void restart(Meanwhile meanwhile) {
        try {
            control.execute("quit");
        } catch (HypervisorException e) {
            // QEMU may close before it answers.
        }
        awaitEnd();
        try {
            meanwhile.run();
        } catch (IOException e) {
            throw new AssertionError(e);
        }
        process = launch();
        control = awaitMonitor();
    }

    /// kill -9, then a new process on the same images.
    void crashAndRestart() {
        kill();
        process = launch();
        control = awaitMonitor();
    }

    Process process() {
        return process;
    }

    void kill() {
        process.destroyForcibly();
        awaitEnd();
        control.close();
    }

    @Override
    public void close() {
        kill();
    }

    private String log() {
        try {
            return Files.readString(folder.resolve("qemu.log"));
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    private JsonNode nodes() {
        return control.execute("query-named-block-nodes", Json.object().put("flat", true));
    }

    private void awaitEnd() {
        try {
            process.waitFor();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    private Process launch() {
        List<String> command = new ArrayList<>(before);
        command.addAll(
                List.of(
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
                        "-qmp",
                        "unix:" + folder.resolve("qmp.sock") + ",server=on,wait=off",
                        "-qmp",
                        "unix:" + folder.resolve("control.sock") + ",server=on,wait=off"));
        command.addAll(options);
        try {
            Files.deleteIfExists(folder.resolve("control.sock"));
            return new ProcessBuilder(command)
                    .redirectErrorStream(true)
                    .redirectOutput(folder.resolve("qemu.log").toFile())
                    .start();
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    private QmpClient awaitMonitor() {
        long deadline = System.nanoTime() + Duration.ofSeconds(20).toNanos();
        while (true) {
            try {
                return QmpClient.connect(folder.resolve("control.sock"), Threads.ofProcess());
            } catch (HypervisorException e) {
                try {
                    if (System.nanoTime() > deadline || !process.isAlive()) {
                        throw new AssertionError(log(), e);
                    }
                    Thread.sleep(20);
                } catch (InterruptedException other) {
                    throw new AssertionError(other);
                }
            }
        }
    }
}
