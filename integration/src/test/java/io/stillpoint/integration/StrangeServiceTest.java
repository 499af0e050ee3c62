package io.stillpoint.integration;

import static org.assertj.core.api.Assertions.assertThat;

import io.stillpoint.platform.Json;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.Channels;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.node.ObjectNode;

/// Something at the control socket that is no service, lies or ends in the middle. Every command that asks the service tells
/// so: none takes it for a defect of its own.
final class StrangeServiceTest {
    private static final String TAKEN = "{\"taken\":true}\n";

    /// Whatever answers, a command may end so: well, with what is wrong with the arguments or the other side, or with warnings.
    private static final List<Integer> POSSIBLE = List.of(0, 3, 4, 6);

    /// Fields by which commands tell what a line is about.
    private static final List<String> SUBJECTS =
            List.of("host", "vault", "event", "alert", "policy", "forgotten", "point");

    private static final List<String> FIELDS =
            Stream.of(
                            "job vm state cause due endedAt point message code at kind snapshotAt keepUntil pin consistency",
                            "waitsFor retryAt done total read scratchTaken forecastEnd deadline late policy reason",
                            "host attempts startedAt id name tags byHand selectedBy lastPoint size next trouble",
                            "vms silent alarms care jobs troubles from to made failed cancelled unfinished stored protected",
                            "without subject openedAt closedAt points changes change selects keys gains loses effect asked",
                            "keptUntil keptBy")
                    .flatMap(each -> Stream.of(each.split(" ")))
                    .toList();

    @TempDir Path folder;
    private ServerSocketChannel server;
    private volatile byte[] answer = new byte[0];

    @BeforeEach
    void listen() throws IOException {
        server = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
        server.bind(UnixDomainSocketAddress.of(socket()));
        Thread.ofPlatform().daemon().start(this::serve);
    }

    @AfterEach
    void close() throws IOException {
        server.close();
    }

    private Path socket() {
        return folder.resolve("s");
    }

    /// Each connection gets the answer once it has asked.
    private void serve() {
        while (server.isOpen()) {
            try (SocketChannel channel = server.accept();
                    BufferedReader in =
                            new BufferedReader(
                                    new InputStreamReader(
                                            Channels.newInputStream(channel),
                                            StandardCharsets.UTF_8));
                    OutputStream out = Channels.newOutputStream(channel)) {
                String _ = in.readLine();
                out.write(answer);
            } catch (IOException e) {
                // The command went, or the test has ended.
            }
        }
    }

    /// All commands that ask.
    private List<List<String>> commands() throws IOException {
        Path policy =
                Files.writeString(
                        folder.resolve("gold.yaml"),
                        """
                        name: gold
                        vault: main
                        schedule: { zone: UTC, daily: { at: '02:00' } }
                        retention: { daily: 7 }
                        """);
        List<List<String>> commands = new ArrayList<>();
        for (String each :
                List.of(
                        "status",
                        "summary",
                        "vm list",
                        "vm protect web --policy gold",
                        "vm unprotect web",
                        "vm release web",
                        "vm tag web a=b",
                        "policy apply " + policy,
                        "policy diff " + policy,
                        "policy export",
                        "policy remove gold",
                        "job list",
                        "job show 00",
                        "job watch 00",
                        "job retry 00",
                        "job cancel 00",
                        "point list web",
                        "point pin web 00 --reason a",
                        "point unpin web 00",
                        "point keep web 00",
                        "snapshot list",
                        "snapshot restore web latest --to " + folder.resolve("disk.raw"),
                        "snapshot end web latest",
                        "catalog rebuild",
                        "vault care",
                        "vault care main",
                        "backup --vm web",
                        "backup --vm web --no-wait")) {
            List<String> command = new ArrayList<>(List.of(each.split(" ")));
            command.addAll(List.of("--control", socket().toString()));
            commands.add(command);
        }
        return commands;
    }

    private void answers(byte[] bytes, String expected) throws IOException {
        answer = bytes;
        for (List<String> each : commands()) {
            Command.Result result = InProcess.run(each.toArray(String[]::new));
            assertThat(result.err()).as("%s", each).contains(expected).doesNotContain("defect");
            assertThat(result.status()).as("%s: %s", each, result.err()).isEqualTo(4);
        }
    }

    private void answers(String text, String expected) throws IOException {
        answers(text.getBytes(StandardCharsets.UTF_8), expected);
    }

    @Test
    void whatIsNoAnswerIsTold() throws IOException {
        answers("", "ended before its answer did");
        answers("{\"taken\":", "ended before its answer did");
        answers(TAKEN, "ended before its answer did");
        answers(TAKEN + "{\"vm\":\"web\"", "ended before its answer did");
        answers(TAKEN + "{\"vm\":\"web\"}\n", "ended before its answer did");
        answers("HTTP/1.1 400 Bad Request\r\n\r\n", "is not Stillpoint's service");
        answers("\n", "is not Stillpoint's service");
        answers("[1]\n", "is not Stillpoint's service");
        answers(TAKEN + "{\"error\":7}\n", "is not Stillpoint's service");
        answers(new byte[] {(byte) 0xff, (byte) 0xfe, '\n'}, "is not Stillpoint's service");
        answers("x".repeat(17 << 20), "is not Stillpoint's service");
    }

    @Test
    void fieldsThatAreNotWhatTheyShouldBeAreNoDefect() throws IOException {
        List<List<String>> commands = commands();
        for (String junk :
                List.of("\"x\"", "-1", "7", "1e999", "true", "null", "[7]", "{\"x\":\"y\"}")) {
            List<String> subjects = new ArrayList<>(SUBJECTS);
            subjects.add("");
            for (String subject : subjects) {
                ObjectNode line = Json.object();
                FIELDS.stream()
                        .filter(each -> each.equals(subject) || !SUBJECTS.contains(each))
                        .forEach(each -> line.set(each, Json.parse(junk)));
                answer =
                        (TAKEN + line + "\n" + line + "\n{\"end\":true}\n")
                                .getBytes(StandardCharsets.UTF_8);
                for (List<String> each : commands) {
                    Command.Result result = InProcess.run(each.toArray(String[]::new));
                    assertThat(result.status())
                            .as("%s of %s: %s", each, line, result.err())
                            .isIn(POSSIBLE);
                }
            }
        }
    }

    @Test
    void answerWithoutALineIsNoDefect() throws IOException {
        answer = (TAKEN + "{\"end\":true}\n").getBytes(StandardCharsets.UTF_8);
        for (List<String> each : commands()) {
            Command.Result result = InProcess.run(each.toArray(String[]::new));
            assertThat(result.status()).as("%s: %s", each, result.err()).isIn(POSSIBLE);
        }
    }

    /// Which points are pinned is not known then.
    @Test
    void nothingIsForgottenIfTheServiceEndsBeforeItHasSaidWhatIsPinned() throws IOException {
        String[] vault = {
            "--vault", folder.resolve("vault").toString(),
            "--key-file", folder.resolve("key").toString()
        };
        Path image = Files.write(folder.resolve("disk.raw"), new byte[1 << 20]);
        run(vault, "vault", "init");
        run(vault, "backup", "--vm", "vm", "--image", image.toString());
        String[] forget = {
            "forget", "--vm", "vm", "--keep-last", "0", "--yes", "--control", socket().toString()
        };
        answer = TAKEN.getBytes(StandardCharsets.UTF_8);
        Command.Result refused =
                InProcess.run(
                        Stream.concat(Stream.of(forget), Stream.of(vault)).toArray(String[]::new));
        assertThat(refused.err()).contains("ended before its answer did");
        assertThat(refused.status()).isEqualTo(4);
        assertThat(run(vault, "points", "--json").json().path("points")).hasSize(1);
        answer = (TAKEN + "{\"end\":true}\n").getBytes(StandardCharsets.UTF_8);
        run(vault, forget);
        assertThat(run(vault, "points", "--json").json().path("points")).isEmpty();
    }

    private Command.Result run(String[] vault, String... command) {
        Command.Result result =
                InProcess.run(
                        Stream.concat(
                                        Stream.concat(Stream.of(command), Stream.of(vault)),
                                        Stream.of("--state-dir", folder.resolve("st").toString())
                                                .filter(_ -> !command[0].equals("vault")))
                                .toArray(String[]::new));
        assertThat(result.status()).as(result.err()).isZero();
        return result;
    }
}
