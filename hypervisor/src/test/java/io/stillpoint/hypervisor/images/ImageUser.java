package io.stillpoint.hypervisor.images;

import java.io.IOException;
import java.nio.file.Path;

/// Another process that has a file open for writing.
final class ImageUser implements AutoCloseable {
    private final Process process;

    ImageUser(Path file) throws IOException {
        process =
                new ProcessBuilder(
                                "sh",
                                "-c",
                                "exec 3>>\"$1\"; echo open; read -r line",
                                "sh",
                                file.toString())
                        .start();
        if (process.getInputStream().read() != 'o') {
            throw new AssertionError("not opened: " + file);
        }
    }

    @Override
    public void close() {
        try {
            process.destroyForcibly().waitFor();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }
}
