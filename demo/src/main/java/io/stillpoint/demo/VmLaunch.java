package io.stillpoint.demo;

import io.stillpoint.platform.ByteSize;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/// How a VM is to be.
///
/// @param name shown in messages and by QEMU
/// @param kernelArguments the kernel's command line
/// @param controlSockets how many QMP sockets; each serves one client at a time
/// @param folder for sockets, logs and pid file, its path short; when null one is made in `/tmp` and
///     deleted at the end
/// @param arguments more arguments for QEMU
public record VmLaunch(
        String name,
        GuestImage guest,
        String kernelArguments,
        List<VmDisk> disks,
        ByteSize memory,
        int processors,
        int controlSockets,
        Accelerator accelerator,
        @Nullable Path folder,
        List<String> arguments) {

    // On a busy host an emulated timer may be late when the kernel tests it, which ends its boot.
    private static final String CONSOLE = "console=ttyS0 quiet no_timer_check";
    private static final ByteSize ENOUGH = ByteSize.parse("192M");

    public VmLaunch {
        disks = List.copyOf(disks);
        arguments = List.copyOf(arguments);
        if (processors < 1 || controlSockets < 1) {
            throw new IllegalArgumentException("a VM needs a processor and a control socket");
        }
    }

    /// A guest that runs wholly in memory; every disk is a data disk.
    public static VmLaunch inMemory(String name, GuestImage guest, VmDisk... disks) {
        return launch(name, guest, CONSOLE, List.of(disks));
    }

    /// A guest that runs on a copy of [GuestImage#root], or on what was restored from one. Must not be wired as
    /// SCSI.
    public static VmLaunch fromDisk(String name, GuestImage guest, VmDisk root, VmDisk... disks) {
        List<VmDisk> all = Stream.concat(Stream.of(root), Stream.of(disks)).toList();
        return launch(name, guest, CONSOLE + " root=/dev/vda", all);
    }

    private static VmLaunch launch(
            String name, GuestImage guest, String kernelArguments, List<VmDisk> disks) {
        return new VmLaunch(
                name,
                guest,
                kernelArguments,
                disks,
                ENOUGH,
                1,
                2,
                Accelerator.TCG,
                null,
                List.of());
    }

    public VmLaunch in(Path other) {
        return new VmLaunch(
                name,
                guest,
                kernelArguments,
                disks,
                memory,
                processors,
                controlSockets,
                accelerator,
                other,
                arguments);
    }

    public VmLaunch with(ByteSize otherMemory, int otherProcessors) {
        return new VmLaunch(
                name,
                guest,
                kernelArguments,
                disks,
                otherMemory,
                otherProcessors,
                controlSockets,
                accelerator,
                folder,
                arguments);
    }

    public VmLaunch with(Accelerator other) {
        return new VmLaunch(
                name,
                guest,
                kernelArguments,
                disks,
                memory,
                processors,
                controlSockets,
                other,
                folder,
                arguments);
    }

    /// With more arguments for QEMU, such as `-uuid`.
    public VmLaunch with(String... more) {
        List<String> all = Stream.concat(arguments.stream(), Stream.of(more)).toList();
        return new VmLaunch(
                name,
                guest,
                kernelArguments,
                disks,
                memory,
                processors,
                controlSockets,
                accelerator,
                folder,
                all);
    }

    /// QEMU's arguments, the program first.
    List<String> command(VmFolder place) {
        List<String> command = new ArrayList<>(List.of("qemu-system-x86_64"));
        command.addAll(List.of("-name", name.replace(",", ",,")));
        command.addAll(
                List.of("-machine", "q35", "-nodefaults", "-no-user-config", "-display", "none"));
        command.addAll(accelerator.arguments());
        command.addAll(
                List.of("-m", memory.bytes() / 1024 + "k", "-smp", Integer.toString(processors)));
        command.addAll(List.of("-kernel", guest.kernel().toString()));
        command.addAll(List.of("-initrd", guest.initrd().toString(), "-append", kernelArguments));
        command.addAll(List.of("-pidfile", place.pidFile().toString()));
        command.addAll(List.of("-chardev", "file,id=serial,path=" + place.serialLog()));
        command.addAll(List.of("-serial", "chardev:serial"));
        for (int i = 0; i < controlSockets; i++) {
            command.addAll(List.of("-qmp", "unix:" + place.qmpSocket(i) + ",server=on,wait=off"));
        }
        command.addAll(List.of("-device", "virtio-serial-pci"));
        addPort(command, "agent", place.agentSocket(), "org.qemu.guest_agent.0");
        addPort(command, "shell", place.shellSocket(), "io.stillpoint.shell.0");
        addDisks(command);
        command.addAll(arguments);
        return command;
    }

    private static void addPort(List<String> command, String id, Path socket, String name) {
        command.addAll(
                List.of(
                        "-chardev",
                        "socket,id=%s,path=%s,server=on,wait=off".formatted(id, socket)));
        command.addAll(List.of("-device", "virtserialport,chardev=%s,name=%s".formatted(id, name)));
    }

    private void addDisks(List<String> command) {
        if (disks.stream().anyMatch(disk -> disk.wiring() == VmDisk.Wiring.SCSI)) {
            command.addAll(List.of("-device", "virtio-scsi-pci,id=scsi"));
        }
        for (VmDisk disk : disks) {
            if (disk.iothread()) {
                command.addAll(List.of("-object", "iothread,id=" + disk.serial() + "-thread"));
            }
            command.addAll(disk.arguments());
        }
    }
}
