package io.stillpoint.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import io.stillpoint.guest.extension.ExtensionKeeper;
import io.stillpoint.guest.extension.ExtensionPackages;
import io.stillpoint.guest.extension.FolderExtensionRecords;
import io.stillpoint.guest.extension.PackageSigner;
import io.stillpoint.guest.extension.Payloads;
import io.stillpoint.guest.extension.Prerequisites;
import io.stillpoint.platform.Randomness;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Instant;
import java.util.Objects;

/// The extension for Windows as the build makes it, in versions that tests ask for.
final class WindowsBuild {
    static final String VM = "files";
    static final String FOLDER = "C:\\Packages\\Plugins\\Stillpoint.VMSnapshot\\";

    private static final Path BUILD =
            Path.of("../extensions/windows/build").toAbsolutePath().normalize();
    private static final String PROGRAM =
            "io/stillpoint/extensions/VMSnapshot/x86_64/IaaSVmProvider.exe";

    private WindowsBuild() {}

    /// Builds a version into a folder, if what is there is older than the sources, and returns its executable.
    static Path program(Path target, String version) {
        HostCommand.run(BUILD.toString(), target.toString(), version);
        return target.resolve(PROGRAM);
    }

    /// One that is kept for the next run of the tests. Other processes of tests that come meanwhile wait for it.
    static Path program(String version) {
        Path target = target(version);
        try {
            Files.createDirectories(target);
            try (FileChannel channel =
                            FileChannel.open(
                                    target.resolve("lock"),
                                    StandardOpenOption.CREATE,
                                    StandardOpenOption.WRITE);
                    FileLock lock = channel.lock()) {
                Objects.requireNonNull(lock);
                return program(target, version);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static Path target(String version) {
        return Path.of("target/windows-" + version).toAbsolutePath();
    }

    /// A host whose build carries this version.
    static ExtensionKeeper keeper(Path state, String version) {
        Path target = target(version);
        assertThat(program(version)).exists();
        Payloads payloads =
                new Payloads(name -> {
                    try {
                        return new ByteArrayInputStream(Files.readAllBytes(target.resolve(name)));
                    } catch (IOException e) {
                        throw new UncheckedIOException(e);
                    }
                });
        return new ExtensionKeeper(
                new ExtensionPackages(
                        payloads,
                        new Prerequisites(state, Prerequisites.Absent.WARN),
                        () -> PackageSigner.of(state, Randomness.secure())),
                new FolderExtensionRecords(state),
                () -> Instant.parse("2026-11-21T03:00:00Z"));
    }
}
