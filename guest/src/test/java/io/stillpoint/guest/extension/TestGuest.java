package io.stillpoint.guest.extension;

import io.stillpoint.guest.GuestAgent;
import io.stillpoint.guest.HostAgent;
import io.stillpoint.platform.Randomness;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;

/// This host as a guest: its real agent, its real shell, and folders of the test's where a guest has its own.
final class TestGuest implements AutoCloseable {
    static final String VM = "web";
    static final Instant NOW = Instant.parse("2026-11-21T03:00:00Z");

    private final Path folder;
    private final HostAgent host;

    TestGuest(Path folder, String... disabled) throws IOException, InterruptedException {
        this.folder = folder;
        this.host = HostAgent.start(folder, disabled);
    }

    GuestAgent connect() {
        return host.connect();
    }

    Path socket() {
        return host.socket();
    }

    /// The extension's folder.
    Path extension() {
        return folder.resolve("guest/VMSnapshotLinux");
    }

    /// What the stand-in is told, and what it tells.
    Path behaviour() throws IOException {
        return Files.createDirectories(folder.resolve("guest/VMSnapshotLinux.test"));
    }

    /// The verbs that ran since the last time.
    List<String> calls() throws IOException {
        Path calls = behaviour().resolve("calls");
        List<String> lines = Files.exists(calls) ? Files.readAllLines(calls) : List.of();
        Files.deleteIfExists(calls);
        return lines;
    }

    List<Path> files() throws IOException {
        if (!Files.exists(extension())) {
            return List.of();
        }
        try (Stream<Path> files = Files.walk(extension())) {
            return files.filter(Files::isRegularFile)
                    .map(file -> extension().relativize(file))
                    .sorted()
                    .toList();
        }
    }

    Path state() {
        return folder.resolve("state");
    }

    Places places() {
        return new Places(folder + "/guest/", folder + "/windows/");
    }

    ExtensionRecords records() {
        return new FolderExtensionRecords(state());
    }

    ExtensionKeeper keeper(String version) {
        return keeper(version, state(), "");
    }

    /// @param more behind the stand-in's last line
    ExtensionKeeper keeper(String version, Path state, String more) {
        return new ExtensionKeeper(
                new ExtensionPackages(
                        standIn(version, more),
                        new Prerequisites(state, Prerequisites.Absent.WARN),
                        () -> PackageSigner.of(state, Randomness.secure())),
                new FolderExtensionRecords(state),
                () -> NOW,
                places());
    }

    static Payloads standIn(String version, String more) {
        return new Payloads(name -> {
            byte[] content =
                    name.endsWith("/version")
                            ? (version + "\n").getBytes(StandardCharsets.UTF_8)
                            : script(more);
            return name.contains("/VMSnapshotLinux/") ? new ByteArrayInputStream(content) : null;
        });
    }

    static byte[] script(String more) {
        try (InputStream in =
                Objects.requireNonNull(TestGuest.class.getResourceAsStream("stand-in.sh"))) {
            return (new String(in.readAllBytes(), StandardCharsets.UTF_8) + more)
                    .getBytes(StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public void close() throws InterruptedException {
        host.close();
    }
}
