package io.stillpoint.service.config;

import io.stillpoint.engine.ScratchSettings;
import io.stillpoint.platform.ByteSize;
import io.stillpoint.platform.StillpointException;
import io.stillpoint.platform.disk.Reason;
import io.stillpoint.platform.setting.SettingTree;
import io.stillpoint.platform.setting.SettingsException;
import io.stillpoint.platform.setting.Written;
import io.stillpoint.platform.text.Text;
import io.stillpoint.service.config.ServiceConfig.Cache;
import io.stillpoint.service.config.ServiceConfig.Care;
import io.stillpoint.service.config.ServiceConfig.Control;
import io.stillpoint.service.config.ServiceConfig.HostConfig;
import io.stillpoint.service.config.ServiceConfig.Limits;
import io.stillpoint.service.config.ServiceConfig.VaultConfig;
import io.stillpoint.service.database.Database;
import io.stillpoint.stores.StoreLocation;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.LocalTime;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import tools.jackson.core.JacksonException;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.MappingIterator;
import tools.jackson.dataformat.yaml.YAMLMapper;

/// Reads the configuration, and other files that people write in YAML.
public final class ConfigFile {
    /// Where it is if nobody says otherwise.
    public static final Path USUAL = Path.of("/etc/stillpoint/stillpoint.yaml");

    private static final YAMLMapper YAML =
            YAMLMapper.builder().enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION).build();
    private static final long SIZE_MAX = 4 << 20;
    private static final String ABSOLUTE = "an absolute path";
    private static final String DURATIONS = "a number with s, m, h or d, such as 4h";
    private static final String NAMES = "a-z, 0-9 and -, a letter first";
    private static final String SOCKETS = "an absolute path of at most 107 bytes";

    /// unix(7)
    private static final int SOCKET_BYTES_MAX = 107;

    private static final String SIZES = "a size such as 20G";

    private ConfigFile() {}

    /// The documents of a YAML file; JSON is YAML, too. Throws a [SettingsException].
    public static List<JsonNode> documents(Path file) {
        try {
            if (Files.exists(file) && !Files.isRegularFile(file)) {
                throw new IOException("not a file");
            }
            if (Files.size(file) > SIZE_MAX) {
                throw new IOException("more than " + new ByteSize(SIZE_MAX));
            }
            return documents(Files.readString(file), file.toString());
        } catch (IOException e) {
            throw SettingsException.unreadable(file.toString(), Reason.of(e).toString(), e);
        }
    }

    /// The documents of a text in YAML.
    ///
    /// @param source what people call it
    public static List<JsonNode> documents(String yaml, String source) {
        try (MappingIterator<JsonNode> documents =
                YAML.readerFor(JsonNode.class).readValues(yaml)) {
            List<JsonNode> all = new ArrayList<>();
            documents.forEachRemaining(all::add);
            return all;
        } catch (JacksonException e) {
            throw SettingsException.unreadable(
                    source,
                    String.valueOf(e.getOriginalMessage()).replaceAll("\\s*\\R\\s*", "; ") + at(e),
                    e);
        }
    }

    private static String at(JacksonException e) {
        return e.getLocation() == null
                ? ""
                : " (line "
                        + e.getLocation().getLineNr()
                        + ", column "
                        + e.getLocation().getColumnNr()
                        + ")";
    }

    /// A value in YAML.
    public static String yaml(JsonNode value) {
        return YAML.writeValueAsString(value);
    }

    /// Reads the configuration. Throws a [SettingsException] that tells all that is wrong.
    public static ServiceConfig read(Path file) {
        List<JsonNode> documents = documents(file);
        SettingTree tree =
                SettingTree.of(
                        documents.isEmpty() ? YAML.createObjectNode() : documents.getFirst(),
                        file.toString());
        if (documents.size() > 1) {
            tree.wrong("", Text.of(ConfigFile.class, "config.documents", documents.size()));
        }
        String name = tree.value("name", ConfigFile::name, NAMES).orElse(hostName());
        Path state = path(tree, "state").orElse(Path.of("/var/lib/stillpoint"));
        SettingTree control = tree.child("control");
        Map<String, VaultConfig> vaults = new LinkedHashMap<>();
        tree.children("vaults")
                .forEach((key, each) -> {
                    named(tree.child("vaults"), key);
                    vault(each).ifPresent(vault -> vaults.put(key, vault));
                });
        Map<String, HostConfig> hosts = new LinkedHashMap<>();
        tree.children("hosts")
                .forEach((key, each) -> {
                    named(tree.child("hosts"), key);
                    hosts.put(key, host(each));
                });
        if (!tree.has("vaults")) {
            tree.missing("vaults");
        }
        if (!tree.has("hosts")) {
            tree.missing("hosts");
        }
        control.text("group")
                .filter(each -> !isGroup(each))
                .ifPresent(each ->
                        control.wrong("group", Text.of(ConfigFile.class, "config.group", each)));
        Map<String, String> places = new LinkedHashMap<>();
        vaults.forEach((key, each) -> {
            String other = places.putIfAbsent(each.location().toString(), key);
            if (other != null) {
                tree.child("vaults")
                        .wrong(key, Text.of(ConfigFile.class, "config.same-vault", other));
            }
        });
        Map<String, String> patterns = new LinkedHashMap<>();
        hosts.forEach((key, each) ->
                each.monitors()
                        .forEach(pattern -> {
                            String other = patterns.putIfAbsent(pattern.text(), key);
                            if (other != null) {
                                tree.child("hosts")
                                        .wrong(
                                                key,
                                                Text.of(
                                                        ConfigFile.class,
                                                        "config.same-monitors",
                                                        pattern,
                                                        other));
                            }
                        }));
        Path socket =
                tree.child("control")
                        .value("socket", ConfigFile::socket, SOCKETS)
                        .orElse(Path.of("/run/stillpoint/control.sock"));
        ServiceConfig config =
                new ServiceConfig(
                        name,
                        state,
                        database(tree.child("database"), state),
                        new Control(socket, control.text("group")),
                        vaults,
                        hosts,
                        limits(tree.child("limits")),
                        tree.value("history", Written::duration, DURATIONS)
                                .orElse(Duration.ofDays(90)),
                        path(tree.child("database"), "password-file"));
        tree.done();
        return config;
    }

    private static void named(SettingTree tree, String key) {
        try {
            String _ = name(key);
        } catch (IllegalArgumentException e) {
            tree.wrong(key, Text.of(ConfigFile.class, "config.name", key, NAMES));
        }
    }

    private static String name(String text) {
        if (!text.matches("[a-z][a-z0-9-]{0,39}")) {
            throw new IllegalArgumentException(text);
        }
        return text;
    }

    private static String hostName() {
        try {
            String name = Files.readString(Path.of("/proc/sys/kernel/hostname")).strip();
            String plain = name.toLowerCase(java.util.Locale.ROOT).replaceAll("[^a-z0-9-]", "-");
            return plain.matches("[a-z].*")
                    ? plain.substring(0, Math.min(40, plain.length()))
                    : "server";
        } catch (IOException e) {
            return "server";
        }
    }

    private static Optional<Path> path(SettingTree tree, String key) {
        return tree.value(key, ConfigFile::absolute, ABSOLUTE);
    }

    private static boolean isGroup(String name) {
        try {
            var _ =
                    FileSystems.getDefault()
                            .getUserPrincipalLookupService()
                            .lookupPrincipalByGroupName(name);
            return true;
        } catch (IOException | UnsupportedOperationException e) {
            return false;
        }
    }

    private static Path socket(String text) {
        if (text.getBytes(StandardCharsets.UTF_8).length > SOCKET_BYTES_MAX) {
            throw new IllegalArgumentException(text);
        }
        return absolute(text);
    }

    private static Path absolute(String text) {
        Path path = Path.of(text);
        if (!path.isAbsolute()) {
            throw new IllegalArgumentException(text);
        }
        return path.normalize();
    }

    private static Database.Place database(SettingTree tree, Path state) {
        Optional<String> url =
                tree.value(
                        "url",
                        text -> {
                            if (!text.startsWith("jdbc:postgresql:")) {
                                throw new IllegalArgumentException(text);
                            }
                            return text;
                        },
                        "jdbc:postgresql://HOST/NAME");
        if (url.filter(text -> text.contains("password=") || text.contains("@")).isPresent()) {
            // It would stand in the file for everybody who may read it, and in messages.
            tree.wrong("url", Text.of(ConfigFile.class, "config.password"));
        }
        String user = tree.text("user").orElse("");
        Optional<Path> password = path(tree, "password-file");
        Optional<Path> file = path(tree, "file");
        if (url.isEmpty()) {
            return new Database.Place.Embedded(file.orElse(state.resolve("stillpoint.db")));
        }
        if (file.isPresent()) {
            tree.wrong("file", Text.of(ConfigFile.class, "config.two-databases"));
        }
        String secret = "";
        if (password.isPresent()) {
            try {
                secret = Files.readString(password.get()).lines().findFirst().orElse("");
            } catch (IOException e) {
                tree.wrong(
                        "password-file",
                        Text.of(ConfigFile.class, "config.file", password.get(), Reason.of(e)));
            }
        }
        return new Database.Place.Server(url.get(), user, secret);
    }

    private static Optional<VaultConfig> vault(SettingTree tree) {
        Optional<StoreLocation> location = Optional.empty();
        String text = tree.requiredText("location");
        if (text.matches("[a-z0-9]+://[^/]*@.*")) {
            // It would stand in messages, in points and in the file.
            tree.wrong("location", Text.of(ConfigFile.class, "config.credentials"));
        } else if (!text.isEmpty()) {
            try {
                StoreLocation parsed = StoreLocation.parse(text);
                if (!parsed.isRemote() && !Path.of(text).isAbsolute()) {
                    tree.wrong("location", Text.of(ConfigFile.class, "config.relative", text));
                }
                location = Optional.of(parsed);
            } catch (StillpointException e) {
                tree.wrong("location", e.text());
            }
        }
        Optional<Path> keyFile = path(tree, "key-file");
        Optional<Path> passphrase = path(tree, "passphrase-file");
        if (keyFile.isPresent() == passphrase.isPresent()) {
            tree.wrong("", Text.of(ConfigFile.class, "config.one-key"));
        }
        Optional<Cache> cache = Optional.empty();
        if (tree.has("cache")) {
            SettingTree part = tree.child("cache");
            if (!part.has("folder")) {
                part.missing("folder");
            }
            ByteSize size = part.value("size", ByteSize::parse, SIZES).orElse(ByteSize.parse("4G"));
            cache = path(part, "folder").map(folder -> new Cache(folder, size));
        }
        Duration undo =
                tree.value("undo", Written::duration, DURATIONS).orElse(Duration.ofDays(14));
        Care care = care(tree.child("care"));
        Optional<ServiceConfig.Key> key =
                keyFile.<ServiceConfig.Key>map(ServiceConfig.Key.OfFile::new)
                        .or(() -> passphrase.map(ServiceConfig.Key.OfPassphrase::new));
        if (location.isEmpty() || key.isEmpty()) {
            return Optional.empty();
        }
        return Optional.of(new VaultConfig(location.get(), key.get(), cache, undo, care));
    }

    private static Care care(SettingTree tree) {
        return new Care(
                tree.value("zone", ZoneId::of, "a zone such as Europe/Berlin")
                        .orElse(ZoneId.of("UTC")),
                tree.value("from", LocalTime::parse, "00:00 to 23:59").orElse(LocalTime.of(1, 0)),
                tree.value(
                                "for",
                                text -> {
                                    Duration length = Written.duration(text);
                                    if (length.compareTo(Duration.ofMinutes(1)) < 0
                                            || length.compareTo(Duration.ofHours(24)) > 0) {
                                        throw new IllegalArgumentException(text);
                                    }
                                    return length;
                                },
                                "1m to 24h")
                        .orElse(Duration.ofHours(5)));
    }

    private static HostConfig host(SettingTree tree) {
        SettingTree qemu = tree.child("qemu");
        if (!tree.has("qemu")) {
            tree.missing("qemu");
        }
        List<SocketPattern> monitors =
                qemu.values(
                        "monitors", SocketPattern::new, "absolute paths, with * and ? in names");
        if (tree.has("qemu") && !qemu.has("monitors")) {
            qemu.missing("monitors");
        }
        Optional<String> agent =
                qemu.value(
                        "agent",
                        text -> {
                            if (!text.startsWith("/") && !text.startsWith("{folder}/")) {
                                throw new IllegalArgumentException(text);
                            }
                            return text;
                        },
                        "an absolute path with {folder} and {name} of the monitor in it");
        return new HostConfig(
                monitors,
                agent,
                path(tree, "scratch").orElseGet(ScratchSettings::usualFolder),
                tree.value("scratch-limit", ByteSize::parse, SIZES)
                        .orElse(ScratchSettings.USUAL_MAX));
    }

    private static Limits limits(SettingTree tree) {
        return new Limits(
                tree.whole("jobs", 1, 1000).orElse(50),
                tree.whole("transfers", 1, 1000).orElse(4),
                tree.whole("per-host", 1, 1000).orElse(4),
                tree.whole("per-vault", 1, 1000).orElse(4));
    }
}
