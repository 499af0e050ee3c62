package io.stillpoint.demo;

import io.stillpoint.demo.DemoException.Kind;
import io.stillpoint.guest.AgentSocket;
import io.stillpoint.guest.ExecResult;
import io.stillpoint.guest.GuestAgent;
import io.stillpoint.guest.GuestException;
import io.stillpoint.platform.Cancellation;
import io.stillpoint.platform.Randomness;
import io.stillpoint.platform.Threads;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;

/// The tour's guest, told what to do through its second agent; the first is the backup's.
final class DemoGuest implements AutoCloseable {
    private static final Duration BOOT_MAX = Duration.ofMinutes(2);
    private static final Duration TRY = Duration.ofSeconds(2);
    private static final Duration COMMAND_MAX = Duration.ofMinutes(2);
    private static final byte[] NOTHING = new byte[0];

    private final GuestAgent agent;

    private DemoGuest(GuestAgent agent) {
        this.agent = agent;
    }

    /// Waits until the agent answers.
    static DemoGuest await(
            QemuProcess vm, Cancellation cancellation, Randomness randomness, Threads threads) {
        long end = System.nanoTime() + BOOT_MAX.toNanos();
        while (true) {
            cancellation.check();
            try {
                return new DemoGuest(
                        GuestAgent.connect(
                                new AgentSocket(vm.shellSocket()), TRY, randomness, threads));
            } catch (GuestException e) {
                if (!vm.alive() || System.nanoTime() > end) {
                    throw new DemoException(Kind.VM, "tour.no-boot", e, vm.console());
                }
            }
        }
    }

    /// Makes a file system on the data disk, mounts it and puts known files there.
    void makeDataDisk(String serial) {
        shell(
                """
                set -e
                disk=$(for d in /sys/block/vd*; do
                    [ "$(cat $d/serial)" = %1$s ] && echo /dev/${d##*/}; done)
                echo $disk >/run/demo-disk
                mke2fs -q -t ext4 $disk
                mkdir -p /data/%1$s
                mount $disk /data/%1$s
                cp -a /bin /lib /usr /data/%1$s/
                dd if=/dev/urandom of=/data/%1$s/random bs=1M count=16 2>/dev/null
                cd /data/%1$s
                find . -type f -exec sha256sum {} + >/run/sums
                mv /run/sums sums
                cd /
                mount -o remount,ro /data/%1$s
                """
                        .formatted(serial));
    }

    /// Overwrites part of one file, adds another and removes a third.
    void changeDataDisk(String serial) {
        shell(
                """
                set -e
                mount -o remount,rw /data/%1$s
                cd /data/%1$s
                dd if=/dev/urandom of=random bs=64k count=8 seek=100 conv=notrunc 2>/dev/null
                date >changed
                rm sums
                find . -type f -exec sha256sum {} + >/run/sums
                mv /run/sums sums
                cd /
                mount -o remount,ro /data/%1$s
                """
                        .formatted(serial));
    }

    /// What the guest reads from its data disk, byte for byte, while the file system is mounted read-only.
    String sha256OfDataDisk() {
        String out = shell("sync; sha256sum $(cat /run/demo-disk)");
        return out.strip().split("\\s+")[0];
    }

    /// Checks each file on the data disk against the list written beside it; returns how many there are.
    int checkFiles(String serial) {
        return Integer.parseInt(
                shell(
                                """
                                set -e
                                cd /data/%s
                                sha256sum -c sums >/run/checked
                                wc -l </run/checked
                                """
                                        .formatted(serial))
                        .strip());
    }

    String uptime() {
        return shell("cut -d' ' -f1 /proc/uptime").strip();
    }

    void powerOff(QemuProcess vm) {
        try {
            agent.exec(List.of("/bin/sh", "-c", "poweroff"), NOTHING, Duration.ofSeconds(5));
        } catch (GuestException _) {
            // It may be off before it can answer.
        }
        vm.awaitExit(Duration.ofSeconds(20));
    }

    @Override
    public void close() {
        agent.close();
    }

    private String shell(String script) {
        ExecResult result =
                agent.exec(
                        List.of("/bin/sh"), script.getBytes(StandardCharsets.UTF_8), COMMAND_MAX);
        if (result.exitCode() != 0) {
            throw new DemoException(
                    Kind.VM,
                    "tour.command-failed",
                    null,
                    Integer.toString(result.exitCode()),
                    new String(result.err(), StandardCharsets.UTF_8));
        }
        return new String(result.out(), StandardCharsets.UTF_8);
    }
}
