package io.stillpoint.hypervisor.images;

import io.stillpoint.platform.Threads;
import java.nio.file.Path;
import java.util.List;

/// Keeps a storage daemon until it is killed. Argument: a qcow2 image.
final class DaemonToLose {
    private DaemonToLose() {}

    public static void main(String[] arguments) throws InterruptedException {
        // The starting thread ends at once; the daemon must not end with it.
        Thread starter =
                Thread.ofPlatform()
                        .start(() ->
                                StorageDaemon.read(
                                        ImageChain.of(
                                                ImageFile.of(Path.of(arguments[0])), List.of()),
                                        new byte[0],
                                        Threads.ofProcess()));
        starter.join();
        System.out.println("started");
        Thread.sleep(600_000);
    }
}
