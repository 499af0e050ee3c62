package io.stillpoint.hypervisor.images;

import java.nio.file.Path;

/// Keeps a storage daemon until it is killed. Argument: a qcow2 image.
final class DaemonToLose {
    private DaemonToLose() {}

    public static void main(String[] arguments) throws InterruptedException {
        // The starting thread ends at once; the daemon must not end with it.
        Thread starter =
                Thread.ofPlatform()
                        .start(() -> StorageDaemon.start(Path.of(arguments[0]), "qcow2", false));
        starter.join();
        System.out.println("started");
        Thread.sleep(600_000);
    }
}
