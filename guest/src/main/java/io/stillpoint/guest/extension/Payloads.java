package io.stillpoint.guest.extension;

import io.stillpoint.guest.extension.ExtensionException.Kind;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/// The executables that this build of Stillpoint carries for guests: resources below `/io/stillpoint/extensions/TYPE/`,
/// namely `version` and `ARCHITECTURE/EXECUTABLE`.
public final class Payloads {
    private static final String ROOT = "io/stillpoint/extensions/";

    private final Function<String, @Nullable InputStream> resources;

    /// @param resources opens a resource by its name without a leading slash, or returns null
    public Payloads(Function<String, @Nullable InputStream> resources) {
        this.resources = resources;
    }

    /// What is on the class path.
    public static Payloads ofBuild() {
        ClassLoader loader = Payloads.class.getClassLoader();
        return new Payloads(loader::getResourceAsStream);
    }

    /// Throws `extension.no-payload` if this build has none for the guest.
    ExtensionVersion version(ExtensionType type, GuestSystem system) {
        String text =
                read(type.id() + "/version")
                        .map(bytes -> new String(bytes, StandardCharsets.UTF_8).strip())
                        .orElseThrow(() -> missing(type, system));
        return ExtensionVersion.parse(text)
                .orElseThrow(() -> new IllegalStateException(type.id() + ": version " + text));
    }

    /// Throws `extension.no-payload` if this build has none for the guest.
    byte[] executable(ExtensionType type, GuestSystem system) {
        return read(type.id() + "/" + system.architecture() + "/" + type.executable())
                .orElseThrow(() -> missing(type, system));
    }

    private static ExtensionException missing(ExtensionType type, GuestSystem system) {
        return new ExtensionException(
                Kind.BUILD, "extension.no-payload", null, type.id(), system.toString());
    }

    private Optional<byte[]> read(String name) {
        try (InputStream in = resources.apply(ROOT + name)) {
            return in == null ? Optional.empty() : Optional.of(in.readAllBytes());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
