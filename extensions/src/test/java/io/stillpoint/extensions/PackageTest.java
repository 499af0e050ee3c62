package io.stillpoint.extensions;

import static org.assertj.core.api.Assertions.assertThat;

import io.stillpoint.extensions.Program.Answer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

/// The verbs by which an installation comes, changes and goes.
@Timeout(120)
final class PackageTest {
    private static final String STATE = "var/lib/stillpoint/VMSnapshotLinux/state.json";

    @TempDir Path folder;
    private Program program;

    @BeforeEach
    void make() {
        program = Program.in(folder);
    }

    @AfterEach
    void close() throws IOException {
        program.close();
    }

    private String state() {
        return program.run("health").json().path("state").asString();
    }

    @Test
    void comesAndGoesAndEachStepMayBeRepeated() throws IOException {
        List<String> before = program.files();
        assertThat(program.run("health").code()).isEqualTo("not-installed");
        assertThat(program.run("enable").exit()).isEqualTo(18);
        for (int i = 0; i < 2; i++) {
            program.required("install");
            assertThat(state()).isEqualTo("installed");
        }
        for (int i = 0; i < 2; i++) {
            assertThat(program.required("enable").json().path("healthy").asBoolean()).isTrue();
            assertThat(state()).isEqualTo("enabled");
        }
        // Installed again, what was enabled stays so.
        program.required("install");
        assertThat(state()).isEqualTo("enabled");
        for (int i = 0; i < 2; i++) {
            program.required("disable");
            assertThat(state()).isEqualTo("disabled");
        }
        program.required("install");
        assertThat(state()).isEqualTo("disabled");
        program.required("enable");
        program.required("snapshot", "--task", "a", "--deadline", "60");
        program.awaitState("held");
        program.required("thaw");
        program.awaitState("done");
        for (int i = 0; i < 2; i++) {
            program.required("uninstall");
            assertThat(program.files()).isEqualTo(before);
        }
    }

    @Test
    void healthTellsWhatItLookedAtAndChangesNothing() {
        program.required("install");
        List<String> before = program.files();

        JsonNode health = program.required("health").json();

        assertThat(health.path("checks").findValuesAsString("name"))
                .containsExactly(
                        "files", "memory", "thawed", "mounts", "scripts", "control-groups");
        assertThat(health.path("checks").findValues("ok")).allMatch(JsonNode::asBoolean);
        assertThat(program.files()).isEqualTo(before);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "FlippedByte",
                "MissingManifest",
                "NoJson",
                "OtherVersion",
                "FileOutside",
                "MissingFile",
                "ExecutableNotListed",
                "WrongLength"
            })
    void aPackageThatIsNotAsItsManifestSaysIsBroken(String damage) throws IOException {
        String manifest = Files.readString(program.manifest());
        String entry = manifest.substring(manifest.indexOf("{\"path\""), manifest.indexOf("]"));
        switch (damage) {
            case "FlippedByte" -> {
                // Behind what is run, so that it still starts.
                Files.write(
                        program.executable(),
                        new byte[] {1},
                        java.nio.file.StandardOpenOption.APPEND);
            }
            case "MissingManifest" -> Files.delete(program.manifest());
            case "NoJson" -> Files.writeString(program.manifest(), manifest.substring(1));
            case "OtherVersion" ->
                    Files.writeString(program.manifest(), manifest.replace("1.0.0", "1.0.1"));
            case "FileOutside" ->
                    Files.writeString(
                            program.manifest(),
                            manifest.replace(
                                    entry, entry + "," + entry.replace("vmsnapshot", "../x")));
            case "MissingFile" ->
                    Files.writeString(
                            program.manifest(),
                            manifest.replace(
                                    entry, entry + "," + entry.replace("vmsnapshot", "x")));
            case "ExecutableNotListed" ->
                    Files.writeString(program.manifest(), manifest.replace(entry, ""));
            default ->
                    Files.writeString(
                            program.manifest(), manifest.replace("\"bytes\":", "\"bytes\":1"));
        }

        Answer answer = program.run("verify");

        assertThat(answer.exit()).as(answer.toString()).isEqualTo(17);
        assertThat(answer.code()).isEqualTo("broken");
        assertThat(program.run("install").exit()).isEqualTo(17);
        assertThat(program.path(STATE)).doesNotExist();
    }

    @Test
    void anUpdateKeepsTheStateAndRemovesTheOlderFolder() throws IOException {
        Path older = program.path("var/lib/stillpoint/VMSnapshotLinux/0.9.12");
        Files.createDirectories(older.resolve("deep"));
        Files.writeString(older.resolve("deep/file"), "x");
        Files.writeString(program.path(STATE), "{\"version\":\"0.9.12\",\"state\":\"disabled\"}");
        assertThat(program.run("health").exit()).isEqualTo(18);

        for (int i = 0; i < 2; i++) {
            program.required("update", "--from", "0.9.12");
            assertThat(older).doesNotExist();
            assertThat(state()).isEqualTo("disabled");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"1.0.1", "2.0.0", "1.0", "..", "1.0.0-x", "", "0.0.0/../x", "LONG"})
    void updatesOnlyFromAnOlderVersion(String from) {
        program.required("install");
        List<String> before = program.files();

        Answer answer =
                program.run("update", "--from", from.replace("LONG", "0".repeat(300) + ".0.0"));

        assertThat(answer.exit()).isEqualTo(2);
        assertThat(program.files()).isEqualTo(before);
    }

    @Test
    void aStateThatCantBeReadIsMadeAnew() throws IOException {
        program.required("install");
        Files.writeString(program.path(STATE), "{\"version\":");
        assertThat(program.run("health").exit()).isEqualTo(18);

        program.required("install");
        assertThat(state()).isEqualTo("installed");
    }

    @Test
    void theOneForArmRunsToo() throws IOException {
        String emulator = "/usr/bin/qemu-aarch64-static";
        if (!Files.isExecutable(Path.of(emulator))) {
            throw Program.missing(emulator + " is missing");
        }
        try (Program arm =
                Program.in(
                        Files.createDirectory(folder.resolve("arm")),
                        "aarch64",
                        List.of(emulator))) {
            arm.configure(arm.script("pre.sh", "echo from arm").toString(), "", "");
            JsonNode scripts = arm.required("test-scripts").scripts();
            assertThat(scripts.path("pre").path("output").asString()).isEqualTo("from arm\n");
            arm.required("install");
            assertThat(arm.required("enable").json().path("healthy").asBoolean()).isTrue();
            arm.required("uninstall");
        }
    }
}
