package io.stillpoint.guest.extension;

import io.stillpoint.guest.extension.ExtensionException.Kind;
import io.stillpoint.guest.extension.Manifest.PackageFile;
import io.stillpoint.guest.extension.Manifest.Prerequisite;
import io.stillpoint.platform.Sha256;
import io.stillpoint.platform.text.Printable;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/// What the operator supplies for guests, in the folder `prerequisites` of the state folder: the installer of the Visual C++
/// 2013 Redistributable as `vcredist_x64.exe`. It must have the SHA-256 that stands in `vcredist_x64.exe.sha256`, or that
/// of Microsoft's release 12.0.40660 where there is no such file.
public final class Prerequisites {
    /// As package managers of three makers give it for
    /// `download.microsoft.com/download/0/5/6/056dcda9-d667-4e27-8001-8a0c6971d6b1/vcredist_x64.exe`.
    static final String VCREDIST_SHA_256 =
            "20e2645b7cd5873b1fa3462b99a665ac8d6e14aae83ded9d875fea35ffdd7d7e";

    private static final String VCREDIST = "vcredist_x64.exe";
    private static final int BYTES_MAX = 64 << 20;

    private final Path folder;
    private final Absent absent;

    /// What it means that the operator has supplied none and the guest has none.
    public enum Absent {
        /// The extension works without; a warning tells of it.
        WARN,
        /// The extension is not installed.
        REFUSE
    }

    public Prerequisites(Path stateFolder, Absent absent) {
        folder = stateFolder.resolve("prerequisites");
        this.absent = absent;
    }

    /// A prerequisite and the content of its file, if the operator has supplied one.
    record Supplied(Prerequisite prerequisite, Optional<byte[]> content) {}

    /// Puts the operator's file where all later installations find it.
    ///
    /// Throws `extension.prerequisite-unreadable` or `extension.prerequisite-hash`.
    ///
    /// @param sha256 what it must have, in any case; empty: that of Microsoft's release
    public void supplyVcredist(Path file, Optional<String> sha256) {
        String wanted = sha256.orElse(VCREDIST_SHA_256).toLowerCase(Locale.ROOT);
        byte[] content =
                read(file)
                        .orElseThrow(
                                () -> unreadable(file, new NoSuchFileException(file.toString())));
        requireHash(file, content, wanted);
        try {
            // The checksum first: a crash in between leaves an old file that is refused, not one
            // that passes for another.
            StateFile.replace(
                    folder.resolve(VCREDIST + ".sha256"),
                    (wanted + "  " + VCREDIST + "\n").getBytes(StandardCharsets.US_ASCII));
            StateFile.replace(folder.resolve(VCREDIST), content);
        } catch (IOException e) {
            throw new ExtensionException(
                    Kind.STATE,
                    "extension.state-unwritable",
                    e,
                    folder.toString(),
                    StateFile.reason(e));
        }
    }

    List<Supplied> of(ExtensionType type) {
        return switch (type) {
            case VM_SNAPSHOT_LINUX -> List.of();
            case VM_SNAPSHOT -> List.of(vcredist());
        };
    }

    private Supplied vcredist() {
        Path file = folder.resolve(VCREDIST);
        Optional<byte[]> content = read(file);
        content.ifPresent(bytes -> requireHash(file, bytes, keptHash()));
        return new Supplied(
                new Prerequisite(
                        "vcredist2013-x64",
                        "12.0.40660",
                        content.map(bytes -> file(VCREDIST, bytes)),
                        List.of("/install", "/quiet", "/norestart"),
                        // Another version is there already (1638, ERROR_PRODUCT_VERSION); a reboot
                        // is needed (3010).
                        List.of(0, 1638, 3010),
                        absent == Absent.REFUSE),
                content);
    }

    private String keptHash() {
        return read(folder.resolve(VCREDIST + ".sha256"))
                .map(bytes -> new String(bytes, StandardCharsets.US_ASCII).strip())
                // As sha256sum writes it.
                .map(line -> line.split("\\s", 2)[0].toLowerCase(Locale.ROOT))
                .orElse(VCREDIST_SHA_256);
    }

    private static void requireHash(Path file, byte[] content, String wanted) {
        String found = Sha256.hex(content);
        if (!found.equals(wanted)) {
            throw new ExtensionException(
                    Kind.INPUT,
                    "extension.prerequisite-hash",
                    null,
                    file.toString(),
                    Printable.line(wanted),
                    found);
        }
    }

    private static Optional<byte[]> read(Path file) {
        try (var in = Files.newInputStream(file)) {
            byte[] content = in.readNBytes(BYTES_MAX + 1);
            if (content.length > BYTES_MAX) {
                throw unreadable(file, new IOException("more than " + BYTES_MAX + " bytes"));
            }
            return Optional.of(content);
        } catch (NoSuchFileException e) {
            return Optional.empty();
        } catch (IOException e) {
            throw unreadable(file, e);
        }
    }

    private static ExtensionException unreadable(Path file, IOException e) {
        return new ExtensionException(
                Kind.INPUT,
                "extension.prerequisite-unreadable",
                e,
                file.toString(),
                StateFile.reason(e));
    }

    static PackageFile file(String path, byte[] content) {
        return new PackageFile(path, content.length, Sha256.hex(content));
    }
}
