package io.stillpoint.integration;

import static org.assertj.core.api.Assertions.assertThat;

import io.stillpoint.platform.Cancellation;
import io.stillpoint.platform.Json;
import io.stillpoint.platform.ProcessResources;
import io.stillpoint.platform.Randomness;
import io.stillpoint.vault.Vault;
import io.stillpoint.vault.crypto.KeyFile;
import io.stillpoint.vault.point.Consistency;
import io.stillpoint.vault.point.DiskImage;
import io.stillpoint.vault.point.PointDisk;
import io.stillpoint.vault.point.PointDraft;
import io.stillpoint.vault.session.BackupSession;
import io.stillpoint.vault.store.LocalStore;
import java.io.BufferedReader;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.node.ObjectNode;

/// Names and messages that others wrote, each with what would clear the screen, set the title, go back on the line, turn the
/// order of letters round, or begin a line of its own. None of it reaches the terminal, from whatever source it comes.
final class HostileTextTest {
    private static final String EVIL =
            "\u001b[2J\u001b]0;t\u0007\r\u009b31m\u202e\u2066\u200b\u2028\u007f!\nstillpoint: all is well";
    private static final Pattern HOSTILE = Pattern.compile("[\\p{C}\u2028\u2029&&[^\n]]");

    @TempDir Path folder;

    private void requirePrintable(Command.Result result) {
        String said = result.out() + result.err();
        assertThat(HOSTILE.matcher(said).find()).as(said).isFalse();
        assertThat(said.lines()).doesNotContain("stillpoint: all is well");
        assertThat(said).doesNotContain("Exception", "\tat ");
    }

    private String[] withVault(String... arguments) {
        List<String> all = new ArrayList<>(List.of(arguments));
        all.addAll(List.of("--vault", folder + "/vault", "--key-file", folder + "/key"));
        return all.toArray(String[]::new);
    }

    @Test
    void namesAndFieldsOfARecoveryPoint() {
        Path keyFile = folder.resolve("key");
        String id;
        try (Vault vault =
                Vault.init(
                        new LocalStore(folder.resolve("vault")),
                        KeyFile.create(keyFile, Randomness.secure()),
                        new Vault.Surroundings(
                                Randomness.secure(),
                                InstantSource.system(),
                                ProcessResources.ofThisProcess()))) {
            try (BackupSession session =
                    vault.backup(Optional.empty(), new Cancellation(), (_, _) -> {})) {
                id = session.commit(draft(InstantSource.system().instant())).id().toString();
            }
        }
        for (String[] arguments :
                new String[][] {
                    {"points"},
                    {"points", "--vm", EVIL},
                    {"restore", "--point", id, "--to", folder + "/restored/"},
                    {"restore", "--point", id, "--disk", EVIL, "--to", folder + "/restored2/"},
                    {"restore", "--point", id, "--disk", "x" + EVIL, "--to", folder + "/x"},
                    {"diff", id, id},
                    {"rescue", "list"},
                    {"rescue", "restore", "--all", "--to", folder + "/rescued"},
                    {"forget", "--dry-run", id},
                    {"forget", id},
                    {"points", "--forgotten"},
                    {"forget", "--undo", id},
                    {"vault", "verify"},
                }) {
            requirePrintable(InProcess.run(withVault(arguments)));
        }
        Command.Result shown = InProcess.run(withVault("points"));
        assertThat(shown.status()).as(shown.err()).isZero();
        assertThat(shown.out()).contains("\\x1b[2J", "\\u202e", "\\x9b31m", "\\nstillpoint");
        // Programs get the name itself.
        assertThat(
                        InProcess.run(withVault("points", "--json"))
                                .json()
                                .path("points")
                                .path(0)
                                .path("vm")
                                .asString())
                .isEqualTo(EVIL);
    }

    private static PointDraft draft(Instant now) {
        ObjectNode configuration = Json.object().put("name", EVIL);
        return new PointDraft(
                EVIL,
                configuration,
                now,
                now,
                Consistency.STOPPED,
                EVIL,
                OptionalLong.empty(),
                List.of(
                        new PointDisk(
                                EVIL,
                                new DiskImage(0, null),
                                EVIL,
                                Optional.empty(),
                                PointDisk.Method.FULL,
                                EVIL,
                                0,
                                0,
                                0)),
                EVIL,
                Optional.empty(),
                Optional.empty());
    }

    @Test
    void wordsOnTheCommandLine() {
        for (String[] arguments :
                new String[][] {
                    {EVIL},
                    {"help", EVIL},
                    {"backup", "--" + EVIL},
                    {
                        "points",
                        "--vault",
                        folder + "/" + EVIL,
                        "--passphrase-file",
                        "/nonexistent" + EVIL
                    },
                    {"points", "--vault", "s3://" + EVIL},
                    {"points", "--max-cost", EVIL, "--vault", "x"},
                    {"restore", "--format", EVIL, "--vault", "x"},
                    {"key", "recover", "--sheet", folder + "/" + EVIL, "--to", folder + "/k"},
                    {"guest", "status", "--vm", EVIL, "--agent", folder + "/" + "a"},
                }) {
            requirePrintable(InProcess.run(arguments));
        }
    }

    @Test
    void whatAMonitorSays() throws IOException {
        InProcess.run(withVault("vault", "init"));
        String greeting =
                "{\"QMP\":{\"version\":{\"qemu\":{\"major\":9,\"minor\":0,\"micro\":0},"
                        + "\"package\":\"\"},\"capabilities\":[]}}";
        Path socket = folder.resolve("q");
        try (Peer _ = new Peer(socket, greeting)) {
            requirePrintable(
                    InProcess.run(withVault("backup", "--vm", "vm", "--qmp", socket.toString())));
        }
        Path silly = folder.resolve("s");
        try (Peer _ = new Peer(silly, EVIL.replace("\n", ""))) {
            requirePrintable(
                    InProcess.run(withVault("backup", "--vm", "vm", "--qmp", silly.toString())));
        }
    }

    @Test
    void whatAnAgentSays() throws IOException {
        Path socket = folder.resolve("a");
        try (Peer _ = new Peer(socket, "")) {
            for (String verb : List.of("status", "install", "test-scripts")) {
                requirePrintable(
                        InProcess.run(
                                "guest",
                                verb,
                                "--vm",
                                "vm",
                                "--agent",
                                socket.toString(),
                                "--state-dir",
                                folder + "/state"));
            }
        }
    }

    /// Greets, and refuses whatever it is asked with a hostile text.
    private static final class Peer implements AutoCloseable {
        private final ServerSocketChannel server;

        Peer(Path socket, String greeting) throws IOException {
            server = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
            server.bind(UnixDomainSocketAddress.of(socket));
            Thread.ofPlatform().daemon().start(() -> serve(greeting));
        }

        private void serve(String greeting) {
            try {
                while (true) {
                    try (SocketChannel peer = server.accept()) {
                        answer(peer, greeting);
                    }
                }
            } catch (IOException e) {
                // Closed, or the other side went: the test looks at what that said.
                return;
            }
        }

        private static void answer(SocketChannel peer, String greeting) throws IOException {
            if (!greeting.isEmpty()) {
                send(peer, greeting);
            }
            BufferedReader lines =
                    new BufferedReader(Channels.newReader(peer, StandardCharsets.UTF_8));
            String line = lines.readLine();
            while (line != null) {
                ObjectNode reply = Json.object();
                reply.putObject("error").put("class", "Gen" + EVIL).put("desc", EVIL);
                int at = line.indexOf("\"id\"");
                if (at >= 0) {
                    reply.set("id", Json.parse(line.substring(line.indexOf('{'))).path("id"));
                }
                send(peer, new String(Json.bytes(reply), StandardCharsets.UTF_8));
                line = lines.readLine();
            }
        }

        private static void send(SocketChannel peer, String line) throws IOException {
            ByteBuffer bytes = ByteBuffer.wrap((line + "\n").getBytes(StandardCharsets.UTF_8));
            while (bytes.hasRemaining()) {
                peer.write(bytes);
            }
        }

        @Override
        public void close() throws IOException {
            server.close();
        }
    }
}
