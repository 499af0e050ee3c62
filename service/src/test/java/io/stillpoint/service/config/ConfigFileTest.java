package io.stillpoint.service.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.stillpoint.platform.setting.SettingsException;
import io.stillpoint.service.database.Database;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalTime;
import java.util.List;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ConfigFileTest {
    @TempDir Path folder;

    private Path file(String yaml) throws IOException {
        return Files.writeString(folder.resolve("stillpoint.yaml"), yaml);
    }

    private List<String> problems(String yaml) throws IOException {
        Path file = file(yaml);
        return catchThrowableOfType(SettingsException.class, () -> ConfigFile.read(file))
                .problems()
                .stream()
                .map(each -> each.text().toString())
                .toList();
    }

    private static final Path SAMPLE = Path.of("../docs/stillpoint.yaml");

    @Test
    void sampleIsRead() {
        ServiceConfig config = ConfigFile.read(SAMPLE);
        assertThat(config.name()).isEqualTo("backup1");
        assertThat(config.vaults()).containsOnlyKeys("main");
        ServiceConfig.VaultConfig vault = config.vaults().values().iterator().next();
        assertThat(vault.location()).hasToString("/srv/backup/vault");
        assertThat(vault.key())
                .isEqualTo(new ServiceConfig.Key.OfFile(Path.of("/etc/stillpoint/main.key")));
        assertThat(vault.care().from()).isEqualTo(LocalTime.of(1, 0));
        ServiceConfig.HostConfig host = config.hosts().values().iterator().next();
        assertThat(host.monitors()).containsExactly(new SocketPattern("/run/vms/*/backup.qmp"));
        assertThat(host.agentOf(Path.of("/run/vms/web/backup.qmp")))
                .contains(Path.of("/run/vms/web/agent.sock"));
    }

    /// What stands in the sample beside its examples are the defaults.
    @Test
    void sampleTellsTheDefaults() throws IOException {
        ServiceConfig sample = ConfigFile.read(SAMPLE);
        ServiceConfig least =
                ConfigFile.read(
                        file(
                                """
                                name: backup1
                                vaults: { main: { location: /srv/backup/vault, key-file: /etc/stillpoint/main.key } }
                                hosts:
                                  here:
                                    qemu: { monitors: ["/run/vms/*/backup.qmp"], agent: "{folder}/agent.sock" }
                                """));
        assertThat(least).usingRecursiveComparison().isEqualTo(sample);
    }

    /// Every setting that the reader asks for stands in the sample, in a comment if need be.
    @Test
    void sampleHasEverySetting() throws IOException {
        String reader =
                Files.readString(
                        Path.of("src/main/java/io/stillpoint/service/config/ConfigFile.java"));
        TreeSet<String> asked =
                Pattern.compile(
                                "(?:\\.(?:text|requiredText|value|values|whole|child|children|has|missing)|path)\\(\\s*(?:(?:tree|part|control|qemu), )?\"([a-z-]+)\"")
                        .matcher(reader)
                        .results()
                        .map((MatchResult found) -> found.group(1))
                        .collect(Collectors.toCollection(TreeSet::new));
        assertThat(asked).contains("name", "password-file", "scratch-limit", "folder", "per-vault");
        String sample = Files.readString(SAMPLE);
        assertThat(asked)
                .allSatisfy(setting ->
                        assertThat(sample).containsPattern("(?m)[ {#]*\\b" + setting + ": ?"));
    }

    @Test
    void placesOfTheDatabase() throws IOException {
        Path password = Files.writeString(folder.resolve("pw"), "secret\nmore");
        assertThat(
                        ConfigFile.read(
                                        file(
                                                "database: { url: 'jdbc:postgresql://db/x', user: me, password-file: "
                                                        + password
                                                        + " }\nvaults: {}\nhosts: {}"))
                                .database())
                .isEqualTo(new Database.Place.Server("jdbc:postgresql://db/x", "me", "secret"));
        assertThat(ConfigFile.read(file("state: /x/y\nvaults: {}\nhosts: {}")).database())
                .isEqualTo(new Database.Place.Embedded(Path.of("/x/y/stillpoint.db")));
    }

    @Test
    void everyMistakeIsToldWithItsPath() throws IOException {
        assertThat(
                        problems(
                                """
                                nmae: x
                                state: relative/path
                                database: { url: "jdbc:mysql://x/y" }
                                vaults:
                                  main: { location: "s3:/x", key-file: /k, undo: 3w, care: { for: 2d } }
                                  Other: { location: /v }
                                hosts:
                                  here: { qemu: { monitors: ["run/*.sock"], agent: "agent.sock" }, scratch-limit: much }
                                  there: {}
                                limits: { transfers: 0, per-hots: 3 }
                                """))
                .anySatisfy(text ->
                        assertThat(text)
                                .isEqualTo("nmae: There is no such setting. Did you mean name?"))
                .anySatisfy(text ->
                        assertThat(text)
                                .isEqualTo(
                                        "state: Found \"relative/path\"; possible: an absolute path."))
                .anySatisfy(text -> assertThat(text).startsWith("database.url: Found"))
                .anySatisfy(text -> assertThat(text).startsWith("vaults.main.location: "))
                .anySatisfy(text -> assertThat(text).startsWith("vaults.main.undo: Found \"3w\""))
                .anySatisfy(
                        text -> assertThat(text).startsWith("vaults.main.care.for: Found \"2d\""))
                .anySatisfy(text -> assertThat(text).startsWith("vaults.Other: The name \"Other\""))
                .anySatisfy(
                        text -> assertThat(text).startsWith("vaults.Other: A vault needs one of"))
                .anySatisfy(
                        text -> assertThat(text).startsWith("hosts.here.qemu.monitors[0]: Found"))
                .anySatisfy(text -> assertThat(text).startsWith("hosts.here.qemu.agent: Found"))
                .anySatisfy(text ->
                        assertThat(text).startsWith("hosts.here.scratch-limit: Found \"much\""))
                .anySatisfy(text ->
                        assertThat(text).isEqualTo("hosts.there.qemu: This setting is missing."))
                .anySatisfy(text ->
                        assertThat(text)
                                .isEqualTo("limits.transfers: Found \"0\"; possible: 1 to 1000."))
                .anySatisfy(text ->
                        assertThat(text)
                                .isEqualTo(
                                        "limits.per-hots: There is no such setting. Did you mean per-host?"))
                .hasSize(14);
    }

    @Test
    void fileThatIsNoYamlIsToldWithItsPlace() throws IOException {
        Path file = file("a: [1, 2\nb: }");
        assertThat(catchThrowableOfType(SettingsException.class, () -> ConfigFile.read(file)))
                .hasMessageContainingAll(file.toString(), "line 2");
        assertThat(
                        catchThrowableOfType(
                                SettingsException.class,
                                () -> ConfigFile.read(folder.resolve("none.yaml"))))
                .hasMessageContaining("none.yaml");
        assertThat(problems("a: 1\n---\nb: 2"))
                .anySatisfy(text -> assertThat(text).contains("one YAML document"));
        assertThat(problems(""))
                .containsExactly(
                        "vaults: This setting is missing.", "hosts: This setting is missing.");
        assertThat(ConfigFile.read(file("vaults: {}\nhosts: {}")).vaults()).isEmpty();
    }

    @Test
    void whatWouldFailLaterIsToldAtOnce() throws IOException {
        assertThat(
                        problems(
                                """
                                control: { socket: /LONG, group: no-such-group }
                                vaults:
                                  a: { location: backup/vault, key-file: /k }
                                  b: { location: /v, key-file: /k }
                                  c: { location: /v, key-file: /k }
                                hosts:
                                  here: { qemu: { monitors: ["/run/*.qmp"] } }
                                  there: { qemu: { monitors: ["/run/*.qmp"] } }
                                """
                                        .replace("LONG", "x".repeat(107))))
                .containsExactly(
                        "vaults.a.location: Found \"backup/vault\"; possible: an absolute path, s3://… or azure://….",
                        "control.group: There is no group no-such-group on this machine.",
                        "vaults.c: This is the vault b once more. Name it once.",
                        "hosts.there: The monitors /run/*.qmp belong to host here already.",
                        "control.socket: Found \"/"
                                + "x".repeat(107)
                                + "\"; possible: an absolute path of at most 107 bytes.");
    }

    @Test
    void patternsFindWhatIsThere() throws IOException {
        for (String name :
                List.of("a/backup.qmp", "b/backup.qmp", "b/other.qmp", "[c]/backup.qmp")) {
            Path path = folder.resolve(name);
            Files.createDirectories(path.getParent());
            Files.createFile(path);
        }
        assertThat(new SocketPattern(folder + "/*/backup.qmp").matches())
                .containsExactly(
                        folder.resolve("[c]/backup.qmp"),
                        folder.resolve("a/backup.qmp"),
                        folder.resolve("b/backup.qmp"));
        assertThat(new SocketPattern(folder + "/[c]/back*").matches()).hasSize(1);
        assertThat(new SocketPattern(folder + "/?/other.qmp").matches()).hasSize(1);
        assertThat(new SocketPattern("/no/such/*/x").matches()).isEmpty();
        assertThat(new SocketPattern(folder + "/a/backup.qmp").matches()).hasSize(1);
    }
}
