package io.stillpoint.demo;

import io.stillpoint.demo.DemoException.Kind;
import io.stillpoint.platform.Sha256;
import io.stillpoint.platform.disk.Reason;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;

/// SHA-256 of a file on the host, to compare with what `sha256sum` says in a guest.
final class FileDigest {
    private FileDigest() {}

    static String of(Path file) {
        try (InputStream in = Files.newInputStream(file)) {
            return Sha256.hex(in);
        } catch (IOException e) {
            throw new DemoException(Kind.REQUEST, "tour.unreadable", e, file, Reason.of(e));
        }
    }
}
