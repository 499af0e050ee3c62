package io.stillpoint.guest.extension;

import io.stillpoint.guest.GuestAgent;
import io.stillpoint.guest.GuestException;
import io.stillpoint.platform.Json;
import io.stillpoint.platform.text.Text;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.node.ObjectNode;

/// An extension as it was found in a guest. Usable as long as the agent is, by one thread at a time.
public final class InstalledExtension {
    private static final Duration VERB_MAX = Duration.ofMinutes(1);
    private static final int STATE_BYTES_MAX = 1 << 20;
    private static final byte[] NO_INPUT = {};

    private final GuestAgent agent;
    private final GuestFolder folder;
    private final ExtensionType type;
    private final ExtensionVersion version;
    private final @Nullable Manifest manifest;
    private final byte[] manifestBytes;
    private final Health health;

    /// @param manifest null unless this installation signed it
    private record Found(
            ExtensionVersion version, byte[] manifestBytes, @Nullable Manifest manifest) {}

    private InstalledExtension(
            GuestAgent agent, GuestFolder folder, ExtensionType type, Found found) {
        this.agent = agent;
        this.folder = folder;
        this.type = type;
        version = found.version;
        manifest = found.manifest;
        manifestBytes = found.manifestBytes;
        health = manifest == null ? Health.broken("not-ours", Text.EMPTY) : ask();
    }

    /// Looks at the guest: three small files, and one command, which is run only if the manifest is what this installation has
    /// signed. Empty if no version is installed.
    static Optional<InstalledExtension> find(
            GuestAgent agent, GuestFolder folder, ExtensionType type, PackageSigner signer) {
        Optional<ExtensionVersion> version =
                read(agent, folder.path("state.json"), STATE_BYTES_MAX)
                        .flatMap(InstalledExtension::versionIn);
        if (version.isEmpty()) {
            return Optional.empty();
        }
        String name = version.get().toString();
        byte[] bytes =
                read(agent, folder.path(name, Manifest.FILE), Manifest.BYTES_MAX).orElse(NO_INPUT);
        byte[] signature =
                read(agent, folder.path(name, Manifest.SIGNATURE), PackageSigner.SIGNATURE_BYTES)
                        .orElse(NO_INPUT);
        Manifest manifest =
                signer.isOurs(bytes, signature) ? manifest(bytes, type, version.get()) : null;
        return Optional.of(
                new InstalledExtension(
                        agent, folder, type, new Found(version.get(), bytes, manifest)));
    }

    private static Optional<ExtensionVersion> versionIn(byte[] state) {
        try {
            return ExtensionVersion.parse(Json.parse(state).path("version").asString(""));
        } catch (JacksonException e) {
            // Installing makes it anew.
            return Optional.empty();
        }
    }

    /// Null if what we signed is not for this place: a package of another version or type was put here.
    private static @Nullable Manifest manifest(
            byte[] bytes, ExtensionType type, ExtensionVersion version) {
        try {
            Manifest manifest = Manifest.parse(bytes);
            return manifest.type() == type && manifest.version().equals(version) ? manifest : null;
        } catch (IllegalArgumentException e) {
            return null;
        }
    }

    private static Optional<byte[]> read(GuestAgent agent, String path, int lengthMax) {
        try {
            return Optional.of(agent.readFile(path, lengthMax));
        } catch (GuestException e) {
            if (e.kind() == GuestException.Kind.REFUSED) {
                // Not there, for all we know. What else it may be, installing will tell.
                return Optional.empty();
            }
            throw e;
        }
    }

    public ExtensionType type() {
        return type;
    }

    public ExtensionVersion version() {
        return version;
    }

    /// Whether its manifest carries the signature of this installation. What does not is never run.
    public boolean isOurs() {
        return manifest != null;
    }

    /// What it said when it was found.
    public Health health() {
        return health;
    }

    /// For programs, but for the message, which is for people.
    ///
    /// @param words renders it
    public ObjectNode json(Function<Text, String> words) {
        ObjectNode json = Json.object();
        json.put("type", type.id()).put("version", version.toString()).put("signed", isOurs());
        json.put("state", health.state()).put("healthy", health.isHealthy());
        json.put("code", health.code()).put("message", words.apply(health.message()));
        json.set("checks", ExtensionRecord.json(health.checks()));
        return json;
    }

    /// Whether it is the very package.
    boolean isOf(ExtensionPackage other) {
        return Arrays.equals(manifestBytes, other.manifestBytes());
    }

    /// Whether files are missing or not as they should be.
    boolean isBroken() {
        return health.code().equals("broken")
                || health.code().equals(VerbResult.UNREADABLE)
                || !isOurs();
    }

    /// Runs a verb, for as long as the manifest allows or a minute.
    ///
    /// @param options `--name`, then its value, and so on
    public VerbResult run(String verb, String... options) {
        return run(limit(verb), verb, options);
    }

    /// Runs a verb. Throws [GuestException] if the agent fails or the verb does not end in time, [ExtensionException] if it can't
    /// be started, [IllegalStateException] if it is not ours.
    public VerbResult run(Duration limit, String verb, String... options) {
        if (manifest == null) {
            throw new IllegalStateException("not signed by this installation");
        }
        return run(
                agent,
                folder.path(version.toString(), manifest.executable()),
                limit,
                verb,
                options);
    }

    static VerbResult run(
            GuestAgent agent, String executable, Duration limit, String verb, String... options) {
        List<String> command = new ArrayList<>(List.of(executable, verb));
        command.addAll(List.of(options));
        try {
            return VerbResult.of(verb, agent.exec(command, NO_INPUT, limit));
        } catch (GuestException e) {
            throw Obstacle.of(executable, e);
        }
    }

    private Health ask() {
        try {
            return Health.of(run("health"));
        } catch (ExtensionException e) {
            // It could not be started: it is not there, or no program.
            return Health.broken("broken", e.text());
        }
    }

    private Duration limit(String verb) {
        Integer seconds = manifest == null ? null : manifest.verbs().get(verb);
        return seconds == null ? VERB_MAX : Duration.ofSeconds(seconds);
    }
}
