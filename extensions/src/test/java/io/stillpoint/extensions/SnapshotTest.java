package io.stillpoint.extensions;

import static org.assertj.core.api.Assertions.assertThat;

import io.stillpoint.extensions.Program.Answer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

/// The course of a snapshot in a guest that has no file system to freeze.
@Timeout(120)
final class SnapshotTest {
    @TempDir Path folder;
    private Program program;
    private Path trace;

    @BeforeEach
    void make() {
        program = Program.enabledIn(folder);
        trace = folder.resolve("trace");
    }

    @AfterEach
    void close() throws IOException {
        program.close();
    }

    private Answer snapshot(String... more) {
        String[] arguments = new String[more.length + 5];
        System.arraycopy(
                new String[] {"snapshot", "--task", "t-1", "--deadline", "60"}, 0, arguments, 0, 5);
        System.arraycopy(more, 0, arguments, 5, more.length);
        return program.run(arguments);
    }

    private void configure(String pre, String post, String more) {
        program.configure(
                program.script("pre.sh", pre).toString(),
                program.script("post.sh", post).toString(),
                more);
    }

    /// With scripts that leave a trace, the post-script with the state that is told then.
    private void traced(String more) {
        String state =
                "sed 's/.*\"state\":\"\\([a-z]*\\)\".*/\\1/' "
                        + program.runFolder()
                        + "/status.json";
        configure(
                "echo pre $(" + state + ") >>" + trace,
                "echo post $(" + state + ") >>" + trace,
                more);
    }

    /// As a host does whose `snapshot` had no answer: it may start only now.
    @Test
    void aTaskThatWasCalledOffNeverBegins() {
        assertThat(program.run("thaw", "--task", "t-1").code()).isEqualTo("ok");

        Answer late = snapshot();

        assertThat(late.code()).isEqualTo("failed");
        assertThat(late.json().path("detail").asString()).contains("called off");
        assertThat(program.runFolder().resolve("status.json")).doesNotExist();
        assertThat(program.run("snapshot", "--task", "t-2", "--deadline", "60").code())
                .isEqualTo("ok");
        program.awaitState("held");
        program.required("thaw", "--task", "t-2");
        program.awaitState("done");
    }

    @Test
    void aSnapshotOfAnotherTaskIsNotThawed() {
        snapshot();
        program.awaitState("held");

        assertThat(program.run("thaw", "--task", "t-2").code()).isEqualTo("ok");
        assertThat(program.status().path("state").asString()).isEqualTo("held");

        program.required("thaw", "--task", "t-1");
        assertThat(program.awaitState("done").path("thawedBy").asString()).isEqualTo("command");
    }

    @Test
    void goesThroughItsStatesAsItIsCommanded() throws IOException {
        traced("");

        Answer answer = snapshot();

        assertThat(answer.code()).isEqualTo("ok");
        assertThat(answer.json().path("status").asString())
                .isEqualTo(program.runFolder() + "/status.json");
        assertThat(answer.json().path("control").asString())
                .isEqualTo(program.runFolder() + "/control");
        JsonNode held = program.awaitState("held");
        assertThat(held.path("task").asString()).isEqualTo("t-1");
        assertThat(held.path("held").asBoolean()).isTrue();
        assertThat(held.path("freeze").path("wanted").asBoolean()).isTrue();
        program.control("unknown");
        program.control("thaw");
        JsonNode done = program.awaitState("done");
        assertThat(done.path("held").asBoolean()).isTrue();
        assertThat(done.path("thawedBy").asString()).isEqualTo("command");
        assertThat(done.path("freeze").path("code").asInt()).isZero();
        assertThat(done.path("scripts").path("code").asInt()).isZero();
        assertThat(Files.readAllLines(trace)).containsExactly("pre pre", "post post");
        // Opening it would wait for somebody to read.
        assertThat(program.runFolder().resolve("control")).doesNotExist();
    }

    @Test
    void theDeadlineEndsItWithoutACommand() {
        Answer answer = program.run("snapshot", "--task", "t", "--deadline", "1", "--freeze", "no");

        assertThat(answer.exit()).isZero();
        JsonNode done = program.awaitState("done");
        assertThat(done.path("held").asBoolean()).isFalse();
        assertThat(done.path("thawedBy").asString()).isEqualTo("deadline");
        assertThat(done.path("freeze").path("wanted").asBoolean()).isFalse();
    }

    @Test
    void onlyOneAtATime() {
        assertThat(snapshot().exit()).isZero();
        program.awaitState("held");

        Answer second = snapshot();
        assertThat(second.exit()).isEqualTo(13);
        assertThat(second.code()).isEqualTo("busy");
        assertThat(program.run("test-scripts").exit()).isEqualTo(13);
        assertThat(program.run("uninstall").exit()).isEqualTo(13);
        assertThat(program.run("update", "--from", "0.9.0").exit()).isEqualTo(13);

        program.required("thaw");
        program.awaitState("done");
        // At once: the one before is told to be done a moment before it is.
        assertThat(snapshot().exit()).isZero();
        program.awaitState("held");
        program.required("disable");
        program.awaitState("done");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "exit 1 | \"continueBackupOnFailure\":false | 300",
                "exit 1 | \"fsFreezeEnabled\":false | 300",
                "sleep 300 | \"continueBackupOnFailure\":false,\"timeoutInSeconds\":1 | 308",
            })
    void isRefusedIfAScriptFailedThatMustNot(String pre, String more, int code) throws IOException {
        configure(pre, "echo post >>" + trace + "; sleep 1", more);

        assertThat(snapshot().exit()).isZero();

        JsonNode refused = program.awaitState("refused");
        assertThat(refused.path("refused").asBoolean()).isTrue();
        JsonNode done = program.awaitState("done");
        assertThat(done.path("held").asBoolean()).isFalse();
        assertThat(done.path("scripts").path("code").asInt()).isEqualTo(code);
        assertThat(Files.readAllLines(trace)).containsExactly("post");
    }

    @ParameterizedTest
    @ValueSource(strings = {"\"continueBackupOnFailure\":false", "\"fsFreezeEnabled\":false"})
    void isRefusedIfAScriptThatMustRunIsMissing(String more) {
        program.configure("/no/such", "", more);

        assertThat(snapshot().exit()).isZero();

        JsonNode done = program.awaitState("done");
        assertThat(done.path("refused").asBoolean()).isTrue();
        assertThat(done.path("scripts").path("code").asInt()).isEqualTo(302);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "exit 1 | 300 | \"x\":0",
                "true | 305 | \"continueBackupOnFailure\":false,\"timeoutInSeconds\":0"
            })
    void goesOnAfterOtherFailures(String pre, int code, String more) {
        configure(pre, "true", more);

        assertThat(snapshot().exit()).isZero();

        assertThat(program.awaitState("held").path("scripts").path("code").asInt()).isEqualTo(code);
        program.control("thaw");
        JsonNode done = program.awaitState("done");
        assertThat(done.path("held").asBoolean()).isTrue();
        assertThat(done.path("scripts").path("continueOnFailure").asBoolean()).isTrue();
    }

    @Test
    void withoutScriptsNothingIsRunOrSaidOfThem() {
        traced("\"fsFreezeEnabled\":false");

        assertThat(snapshot("--scripts", "no").exit()).isZero();

        program.awaitState("held");
        program.control("thaw");
        JsonNode done = program.awaitState("done");
        assertThat(done.path("scripts").path("configuration").asString()).isEmpty();
        assertThat(done.path("freeze").path("wanted").asBoolean()).isTrue();
        assertThat(trace).doesNotExist();
    }

    @ParameterizedTest
    @CsvSource({
        "TERM,vmsnapshot,signal",
        "INT,vmsnapshot,signal",
        "HUP,stillpoint-thaw,signal",
        "KILL,stillpoint-thaw,guardian",
        "KILL,vmsnapshot,guardian"
    })
    void whateverEndsAProcessOfItThePostScriptRuns(String signal, String process, String cause)
            throws IOException {
        traced("");
        snapshot();
        program.awaitState("held");

        Program.kill(signal, program.process(process));

        JsonNode done = program.awaitState("done");
        assertThat(done.path("thawedBy").asString()).isEqualTo(cause);
        assertThat(done.path("held").asBoolean()).isFalse();
        assertThat(Files.readAllLines(trace)).containsExactly("pre pre", "post post");
    }

    @Test
    void aSignalEndsThePreScriptToo() throws IOException {
        configure(
                "echo pre >>" + trace + "; sleep 300",
                "echo post >>" + trace,
                "\"timeoutInSeconds\":200");
        snapshot();
        while (!Files.exists(trace)) {
            Program.pause();
        }

        Program.kill("TERM", program.process("vmsnapshot"));

        JsonNode done = program.awaitState("done");
        assertThat(done.path("scripts").path("pre").path("code").asInt()).isEqualTo(300);
        assertThat(done.path("freeze").path("code").asInt()).isEqualTo(122);
        assertThat(Files.readAllLines(trace)).containsExactly("pre", "post");
    }

    @Test
    void neitherProcessBelongsToTheAgentOrToTheOther() throws IOException {
        snapshot();
        program.awaitState("held");

        long worker = program.process("vmsnapshot");
        long guardian = program.process("stillpoint-thaw");
        assertThat(session(worker)).isEqualTo(worker);
        assertThat(session(guardian)).isEqualTo(guardian);
        program.required("thaw");
        program.awaitState("done");
        while (program.isRunning("")) {
            Program.pause();
        }
    }

    /// By proc_pid_stat(5): behind the name in brackets state, parent, group, session.
    private static long session(long process) throws IOException {
        String stat = Files.readString(Path.of("/proc/" + process + "/stat"));
        return Long.parseLong(stat.substring(stat.lastIndexOf(')') + 2).split(" ")[3]);
    }

    @Test
    void onlyTheEnabledVersionTakesSnapshots() {
        program.required("disable");
        Answer disabled = snapshot();
        assertThat(disabled.exit()).isEqualTo(18);
        assertThat(disabled.code()).isEqualTo("disabled");

        program.required("enable");
        assertThat(snapshot().exit()).isZero();
        program.awaitState("held");
        program.required("thaw");
        program.awaitState("done");

        program.required("uninstall");
        assertThat(snapshot().code()).isEqualTo("not-installed");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "snapshot",
                "snapshot --task a",
                "snapshot --deadline 5",
                "snapshot --task ../a --deadline 5",
                "snapshot --task a --deadline 0",
                "snapshot --task a --deadline 601",
                "snapshot --task a --deadline 5s",
                "snapshot --task a --deadline 5 --freeze maybe",
                "snapshot --task a --deadline 5 --script-limit 1801",
                "health --unknown x",
                "nothing",
                "update"
            })
    void wrongArgumentsAreTold(String line) {
        Answer answer = program.run(line.split(" "));

        assertThat(answer.exit()).isEqualTo(2);
        assertThat(answer.code()).isEqualTo("usage");
    }

    @Test
    void aGuestWithoutAFileSystemInMemoryCantHaveIt() throws IOException {
        Files.delete(program.path("run"));

        assertThat(snapshot().exit()).isEqualTo(15);
        assertThat(program.run("install").code()).isEqualTo("unsupported");
    }

    @Test
    void writesNothingWhereOthersCouldHaveLaidATrap() throws IOException {
        Path victim = Files.writeString(folder.resolve("victim"), "untouched");
        Path ours = program.path("run/stillpoint");
        Files.createSymbolicLink(ours, Files.createDirectory(folder.resolve("elsewhere")));
        assertThat(snapshot().exit()).isEqualTo(19);

        Files.delete(ours);
        program.mode(Files.createDirectory(ours), "rwxrwxrwx");
        assertThat(snapshot().exit()).isEqualTo(19);

        program.mode(ours, "rwx------");
        Files.createDirectory(program.runFolder());
        program.mode(program.runFolder(), "rwx------");
        Files.createSymbolicLink(program.runFolder().resolve("lock"), victim);
        assertThat(snapshot().exit()).isEqualTo(19);

        Files.delete(program.runFolder().resolve("lock"));
        Files.createSymbolicLink(program.runFolder().resolve("status.worker"), victim);
        assertThat(snapshot().exit()).isEqualTo(19);

        Files.delete(program.runFolder().resolve("status.worker"));
        Files.createSymbolicLink(program.runFolder().resolve("control"), victim);
        assertThat(snapshot().exit()).isZero();
        program.awaitState("held");
        program.control("thaw");
        program.awaitState("done");
        assertThat(victim).hasContent("untouched");
        assertThat(folder.resolve("elsewhere")).isEmptyDirectory();
    }
}
