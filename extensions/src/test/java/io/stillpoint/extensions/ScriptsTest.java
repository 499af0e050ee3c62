package io.stillpoint.extensions;

import static org.assertj.core.api.Assertions.assertThat;

import io.stillpoint.extensions.Program.Answer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

/// What the configuration of the scripts means, and how they are run: `docs/extensions.md`, "Scripts".
@Timeout(120)
final class ScriptsTest {
    private static final String BOTH = "\"preScriptLocation\":\"\",\"postScriptLocation\":\"\"";

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

    private JsonNode test(int exit, String... options) {
        String[] arguments = new String[options.length + 1];
        arguments[0] = "test-scripts";
        System.arraycopy(options, 0, arguments, 1, options.length);
        Answer answer = program.run(arguments);
        assertThat(answer.exit()).as(answer.toString()).isEqualTo(exit);
        return answer.scripts();
    }

    private static void assertRun(JsonNode script, int attempts, int exit, int code) {
        assertThat(script.path("ran").asBoolean()).as(script.toString()).isTrue();
        assertThat(script.path("attempts").asInt()).as(script.toString()).isEqualTo(attempts);
        assertThat(script.path("exit").asInt()).as(script.toString()).isEqualTo(exit);
        assertThat(script.path("code").asInt()).as(script.toString()).isEqualTo(code);
    }

    private static void assertNotRun(JsonNode script) {
        assertThat(script.path("ran").asBoolean()).as(script.toString()).isFalse();
        assertThat(script.path("attempts").asInt()).isZero();
    }

    private static String output(JsonNode script) {
        return script.path("output").asString();
    }

    private String pre(String body) {
        return program.script("pre.sh", body).toString();
    }

    private String post(String body) {
        return program.script("post.sh", body).toString();
    }

    @Test
    void withoutAConfigurationTheyAreOffAndThatIsNoFailure() {
        JsonNode scripts = test(0);

        assertThat(scripts.path("code").asInt()).isEqualTo(316);
        assertThat(scripts.path("configuration").asString()).isEmpty();
        assertThat(scripts.path("continueOnFailure").asBoolean()).isTrue();
        assertThat(scripts.path("freezeEnabled").asBoolean()).isTrue();
    }

    @Test
    void azuresTemplateNamesNoScriptsAndCountsAsNone() {
        program.configure(
                """
                { "pluginName": "ScriptRunner", "preScriptLocation": "", "postScriptLocation": "",
                  "preScriptParams": ["", ""], "postScriptParams": ["", ""], "preScriptNoOfRetries": 0,
                  "postScriptNoOfRetries": 0, "timeoutInSeconds": 30, "continueBackupOnFailure": true,
                  "fsFreezeEnabled": true }
                """);

        JsonNode scripts = test(0);

        assertThat(scripts.path("code").asInt()).isZero();
        assertThat(scripts.path("configuration").asString()).isEmpty();
        assertNotRun(scripts.path("pre"));
        assertNotRun(scripts.path("post"));
    }

    @Test
    void runsPreThenPostWithTheirArgumentsAsAnAdministratorWould() throws IOException {
        Path trace = folder.resolve("trace");
        String body =
                "echo \"$0|$#|$1|$2|$(pwd)|$(umask)|$HOME|$(cat)\" >>"
                        + trace
                        + "; echo said; echo told >&2";
        Path file =
                program.configure(
                        pre(body),
                        post(body),
                        "\"preScriptParams\":[\"a b\",\"$(no)\"],\"postScriptParams\":[\"\\u00fc\\n\"],"
                                + "\"appName\":\"mine\",\"ScriptsExecutionPollTimeSeconds\":9,\"unknown\":{}");

        JsonNode scripts = test(0);

        assertThat(scripts.path("configuration").asString()).isEqualTo(file.toString());
        assertRun(scripts.path("pre"), 1, 0, 0);
        assertRun(scripts.path("post"), 1, 0, 0);
        assertThat(output(scripts.path("pre"))).isEqualTo("said\ntold\n");
        assertThat(Files.readAllLines(trace))
                .containsExactly(
                        program.path("pre.sh") + "|2|a b|$(no)|/|0022|/root|",
                        program.path("post.sh") + "|1|ü",
                        "||/|0022|/root|");
    }

    @Test
    void ourFolderComesBeforeAzures() {
        program.configure("no JSON");
        Path ours = program.configure(Program.OURS, "{" + BOTH.replace("\"\"", "\"/none\"") + "}");

        JsonNode scripts = test(19);

        assertThat(scripts.path("configuration").asString()).isEqualTo(ours.toString());
        assertThat(scripts.path("code").asInt()).isEqualTo(302);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "no JSON",
                "[]",
                "{",
                "{\"preScriptLocation\":\"\"}",
                "{\"postScriptLocation\":\"\"}",
                "{\"preScriptLocation\":null,\"postScriptLocation\":\"\"}",
                "{\"preScriptLocation\":\"a\\u0000\",\"postScriptLocation\":\"\"}",
                "{BOTH,\"preScriptParams\":\"a\"}",
                "{BOTH,\"postScriptParams\":[1]}",
                "{BOTH,\"preScriptNoOfRetries\":-1}",
                "{BOTH,\"preScriptNoOfRetries\":101}",
                "{BOTH,\"postScriptNoOfRetries\":1.5}",
                "{BOTH,\"timeoutInSeconds\":0}",
                "{BOTH,\"timeoutInSeconds\":\"30\"}",
                "{BOTH,\"continueBackupOnFailure\":\"false\"}",
                "{BOTH,\"fsFreezeEnabled\":0}",
                "{BOTH} {}",
                "{BOTH,}",
            })
    void whatIsNoConfigurationIs305AndKeepsNoGuestFromBeingBackedUp(String json) {
        program.configure(
                json.replace(
                        "BOTH",
                        BOTH + ",\"continueBackupOnFailure\":false,\"fsFreezeEnabled\":false"));

        JsonNode scripts = test(19);

        assertThat(scripts.path("code").asInt()).isEqualTo(305);
        assertThat(scripts.path("detail").asString()).isNotEmpty();
        assertThat(scripts.path("continueOnFailure").asBoolean()).isTrue();
        assertThat(scripts.path("freezeEnabled").asBoolean()).isTrue();
    }

    @ParameterizedTest
    @CsvSource({
        "rw-------,0",
        "r--------,0",
        "rwx------,317",
        "rw-r-----,317",
        "rw----r--,317",
        "rw-----w-,317"
    })
    void nobodyElseMayHaveAnyRightOnTheConfiguration(String mode, int code) {
        program.mode(program.configure("{" + BOTH + "}"), mode);

        assertThat(test(code == 0 ? 0 : 19).path("code").asInt()).isEqualTo(code);
    }

    @Test
    void theConfigurationMustBeRootsAndAFile() throws IOException {
        Path file = program.configure("{" + BOTH + "}");
        // Where another one counts as root.
        JsonNode checks = program.run("health", "--owner", "54321").json().path("checks");
        assertThat(checks.toString()).contains("must be root's, not to be executed");

        Files.delete(file);
        Files.createDirectory(
                file,
                PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
        assertThat(test(19).path("code").asInt()).isEqualTo(317);
    }

    @ParameterizedTest
    @CsvSource({
        "rw-------,0",
        "rwx------,0",
        "r--------,0",
        "rwxr-x---,1",
        "rwx-----x,1",
        "rwx---r--,1"
    })
    void nobodyElseMayHaveAnyRightOnAScript(String mode, int wrong) {
        String pre = pre("true");
        String post = post("true");
        program.configure(pre, post, "");

        program.mode(Path.of(pre), mode);
        assertThat(test(wrong == 0 ? 0 : 19).path("code").asInt()).isEqualTo(wrong * 306);

        program.mode(Path.of(pre), "rwx------");
        program.mode(Path.of(post), mode);
        JsonNode scripts = test(wrong == 0 ? 0 : 19);
        assertThat(scripts.path("code").asInt()).isEqualTo(wrong * 307);
        // What is wrong with one keeps both from being run.
        assertThat(scripts.path("pre").path("ran").asBoolean()).isEqualTo(wrong == 0);
    }

    @Test
    void aScriptMustBeRoots() throws IOException, InterruptedException {
        Path script = Path.of(pre("true"));
        program.configure(script.toString(), "", "");
        int exit = new ProcessBuilder("chown", "54321", script.toString()).start().waitFor();
        if (exit != 0) {
            throw Program.absent("only root can give files away");
        }

        assertThat(test(19).path("code").asInt()).isEqualTo(306);
    }

    @Test
    void aScriptThatIsMissingIs302Or303() throws IOException {
        Path target = Files.createDirectory(folder.resolve("folder"));
        for (String missing : List.of("/no/such", "relative", target.toString())) {
            program.configure(missing, post("true"), "\"continueBackupOnFailure\":false");
            JsonNode scripts = test(19);
            assertThat(scripts.path("code").asInt()).isEqualTo(302);
            assertThat(scripts.path("continueOnFailure").asBoolean()).isFalse();
            assertNotRun(scripts.path("post"));

            program.configure(pre("true"), missing, "");
            scripts = test(19);
            assertThat(scripts.path("code").asInt()).isEqualTo(303);
            assertNotRun(scripts.path("pre"));
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "rw-r--r-- | [pre_post]\\ntimeoutInSeconds = 1800 | 0",
                "rw------- | # own\\n[pre_post]\\nTimeoutInSeconds: 5 | 0",
                "rw-rw---- | [pre_post]\\ntimeoutInSeconds = 1800 | 314",
                "rw-r-xr-- | [pre_post]\\ntimeoutInSeconds = 1800 | 314",
                "rw------- | timeoutInSeconds = 1800 | 304",
                "rw------- | [pre_post]\\ntimeoutInSeconds = often | 304",
                "rw------- | [pre_post]\\ntimeoutInSeconds = 0 | 304",
                "rw------- | [other]\\ntimeoutInSeconds = 9 | 304",
            })
    void theHostFileIsChecked(String mode, String content, int code) throws IOException {
        program.configure("{" + BOTH + "}");
        Path file = program.path("etc/azure/VMSnapshotPluginHost.conf");
        program.mode(Files.writeString(file, content.replace("\\n", "\n")), mode);

        assertThat(test(code == 0 ? 0 : 19).path("code").asInt()).isEqualTo(code);
    }

    @Test
    void aHostFileThatCantBeOpenedIs313() throws IOException {
        program.configure("{" + BOTH + "}");
        Path file = program.path("etc/azure/VMSnapshotPluginHost.conf");
        Files.createSymbolicLink(file, file.getFileName());

        assertThat(test(19).path("code").asInt()).isEqualTo(313);
    }

    @Test
    void aFailedScriptIsRunAgainAsOftenAsItsRetriesSay() {
        String third = "echo x >>" + folder + "/tries; [ $(wc -l <" + folder + "/tries) = 3 ]";
        program.configure(
                pre(third),
                post("exit 9"),
                "\"preScriptNoOfRetries\":5,\"postScriptNoOfRetries\":1");

        JsonNode scripts = test(19);

        assertRun(scripts.path("pre"), 3, 0, 0);
        assertThat(scripts.path("pre").path("retries").asInt()).isEqualTo(5);
        assertRun(scripts.path("post"), 2, 9, 301);
        assertThat(scripts.path("code").asInt()).isEqualTo(301);
    }

    @Test
    void thePostScriptRunsAlsoIfThePreScriptFailed() {
        program.configure(pre("kill -TERM $$"), post("true"), "");

        JsonNode scripts = test(19);

        assertRun(scripts.path("pre"), 1, 128 + 15, 300);
        assertRun(scripts.path("post"), 1, 0, 0);
        assertThat(scripts.path("code").asInt()).isEqualTo(300);
    }

    @Test
    void anEmptyLocationIsNoScript() {
        program.configure("", post("echo alone"), "");

        JsonNode scripts = test(0);

        assertNotRun(scripts.path("pre"));
        assertThat(output(scripts.path("post"))).isEqualTo("alone\n");
        assertThat(scripts.path("configuration").asString()).isNotEmpty();
    }

    @Test
    void anAttemptThatTakesTooLongIsKilledWithAllItStarted() throws IOException {
        Path pids = folder.resolve("pids");
        // One in the script's group, one in a session of its own, and one whose parent has gone.
        String body =
                "trap '' TERM HUP\necho $$ >>"
                        + pids
                        + "\nsleep 300 & echo $! >>"
                        + pids
                        + "\nsetsid sh -c 'echo $$ >>"
                        + pids
                        + "; exec sleep 301' &\n"
                        + "(setsid sh -c 'echo $$ >>"
                        + pids
                        + "; exec sleep 302' & )\necho started\nsleep 303";
        program.configure(
                pre(body), post("sleep 304"), "\"timeoutInSeconds\":2,\"preScriptNoOfRetries\":1");

        JsonNode scripts = test(19);

        assertRun(scripts.path("pre"), 2, 128 + 9, 308);
        assertThat(output(scripts.path("pre"))).isEqualTo("started\n");
        assertThat(scripts.path("pre").path("millis").asLong()).isGreaterThanOrEqualTo(4000);
        assertRun(scripts.path("post"), 1, 128 + 9, 309);
        assertThat(scripts.path("code").asInt()).isEqualTo(308);
        List<String> started = Files.readAllLines(pids);
        assertThat(started).hasSize(8);
        assertThat(started).noneMatch(pid -> ProcessHandle.of(Long.parseLong(pid)).isPresent());
    }

    @Test
    @Tag("slow")
    void withoutATimeoutTheLimitIsTenSeconds() {
        program.configure(pre("sleep 300"), "", "");

        JsonNode scripts = test(19);

        assertRun(scripts.path("pre"), 1, 137, 308);
        assertThat(scripts.path("pre").path("millis").asLong()).isBetween(10_000L, 60_000L);
    }

    @Test
    void theHostFileAndTheOptionLimitTheTimeout() throws IOException {
        program.configure(pre("sleep 300"), "", "\"timeoutInSeconds\":100000");
        assertRun(test(19, "--script-limit", "1").path("pre"), 1, 137, 308);

        Path file = program.path("etc/azure/VMSnapshotPluginHost.conf");
        program.mode(Files.writeString(file, "[pre_post]\ntimeoutInSeconds=1\n"), "rw-r--r--");
        assertRun(test(19).path("pre"), 1, 137, 308);
    }

    @Test
    void muchOutputNeitherBlocksAScriptNorIsKept() {
        program.configure(
                pre(
                        "echo first; i=0; while [ $i -lt 40000 ]; do echo $i-0123456789012345678901234567890123456789;"
                                + " i=$((i + 1)); done; echo last >&2"),
                post("printf 'a\\377b\\000c'"),
                "\"timeoutInSeconds\":60");

        JsonNode scripts = test(0);

        JsonNode pre = scripts.path("pre");
        assertThat(pre.path("cut").asBoolean()).isTrue();
        assertThat(output(pre)).startsWith("first\n0-").contains("[...]").endsWith("\nlast\n");
        assertThat(output(pre).length()).isBetween(15_000, 16 << 10);
        assertThat(scripts.path("post").path("cut").asBoolean()).isFalse();
        assertThat(output(scripts.path("post"))).isEqualTo("a\uFFFDb\u0000c");
    }

    @Test
    void whatAScriptLeavesRunningIsNotWaitedFor() throws IOException {
        Path pid = folder.resolve("pid");
        program.configure(pre("sleep 300 & echo $! >" + pid), "", "\"timeoutInSeconds\":60");

        JsonNode scripts = test(0);

        assertThat(scripts.path("pre").path("millis").asLong()).isLessThan(60_000);
        ProcessHandle left =
                ProcessHandle.of(Long.parseLong(Files.readString(pid).strip())).orElseThrow();
        assertThat(left.isAlive()).isTrue();
        left.destroyForcibly();
    }

    @Test
    void noDamageToTheConfigurationEndsTheProgram() {
        String whole =
                "{\"preScriptLocation\":\"\\u00fc\\ud83d\\ude00\",\"postScriptLocation\":\"\",\"preScriptParams\":"
                        + "[\"a\",\"\\\\\"],\"x\":[[[{\"y\":-1.5e3}]],null],\"timeoutInSeconds\":30}";
        Random random = new Random(11);
        for (int i = 0; i < 150; i++) {
            StringBuilder damaged = new StringBuilder(whole);
            for (int j = 0; j <= random.nextInt(3); j++) {
                int at = random.nextInt(damaged.length());
                switch (random.nextInt(4)) {
                    case 0 -> damaged.deleteCharAt(at);
                    case 1 -> damaged.setCharAt(at, (char) random.nextInt(128));
                    case 2 -> damaged.insert(at, "{[\"\\:,0eu".charAt(random.nextInt(9)));
                    default -> damaged.setLength(at + 1);
                }
            }
            program.configure(damaged.toString());
            Answer answer = program.run("test-scripts");
            assertThat(answer.scripts().path("code").asInt())
                    .as(damaged.toString())
                    .isIn(0, 302, 305);
        }
        program.configure("[".repeat(60_000));
        assertThat(test(19).path("code").asInt()).isEqualTo(305);
        program.configure("\"" + "x".repeat(70_000));
        assertThat(test(19).path("code").asInt()).isEqualTo(305);
    }
}
