package io.stillpoint.guest;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.stillpoint.guest.GuestException.Kind;
import io.stillpoint.platform.Json;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class GuestFileTest extends AgentTest {
    private static final int MIB = 1 << 20;
    private static final int PIECE = 48 << 10;

    private final List<Integer> chunks = new ArrayList<>();
    private final ByteArrayOutputStream written = new ByteArrayOutputStream();
    private final AtomicInteger position = new AtomicInteger();
    private byte[] content = {};
    private int writtenAtOnceMax = Integer.MAX_VALUE;

    @BeforeEach
    void serveOneFile() {
        fake.on("guest-file-open", call -> call.reply(Json.parse("1000")));
        fake.on("guest-file-close", call -> call.reply(Json.object()));
        fake.on("guest-file-flush", call -> call.reply(Json.object()));
        fake.on("guest-file-read", this::read);
        fake.on("guest-file-write", this::write);
    }

    @Test
    void readsInChunksOfAMebibyte() {
        content = FakeAgent.pattern(2 * MIB + 5);
        try (GuestAgent agent = connect()) {
            assertThat(agent.readFile("/etc/x", 3 * MIB)).isEqualTo(content);
        }
        assertThat(chunks).containsExactly(MIB, MIB, MIB);
        assertThat(fake.received()).endsWith("guest-file-close");
    }

    @Test
    void readsAFileOfExactlyTheAllowedLength() {
        content = FakeAgent.pattern(100);
        try (GuestAgent agent = connect()) {
            assertThat(agent.readFile("/etc/x", 100)).isEqualTo(content);
        }
    }

    @Test
    void refusesAFileThatIsTooLongAndClosesIt() {
        content = FakeAgent.pattern(101);
        try (GuestAgent agent = connect()) {
            GuestException failure =
                    catchThrowableOfType(GuestException.class, () -> agent.readFile("/etc/x", 100));
            assertThat(failure.code()).isEqualTo("guest.file-too-long");
            assertThat(failure.kind()).isEqualTo(Kind.REFUSED);
        }
        assertThat(chunks).containsExactly(101);
        assertThat(fake.received()).endsWith("guest-file-close");
    }

    @Test
    void moreThanWasAskedForIsABrokenProtocol() {
        fake.on(
                "guest-file-read",
                call -> call.reply(Json.object().put("buf-b64", "AAAAAAAA").put("eof", false)));
        try (GuestAgent agent = connect()) {
            assertThat(
                            catchThrowableOfType(
                                            GuestException.class, () -> agent.readFile("/x", 3))
                                    .kind())
                    .isEqualTo(Kind.PROTOCOL);
        }
    }

    @Test
    void writesInPiecesOf48Kibibytes() {
        byte[] bytes = FakeAgent.pattern(2 * PIECE + 5);
        try (GuestAgent agent = connect()) {
            agent.writeFile("/tmp/x", bytes);
        }
        assertThat(written.toByteArray()).isEqualTo(bytes);
        assertThat(chunks).containsExactly(PIECE, PIECE, 5);
        assertThat(fake.received()).endsWith("guest-file-flush", "guest-file-close");
    }

    @Test
    void goesOnWhereAShortWriteEnded() {
        writtenAtOnceMax = 40_000;
        byte[] bytes = FakeAgent.pattern(MIB);
        try (GuestAgent agent = connect()) {
            agent.writeFile("/tmp/x", bytes);
        }
        assertThat(written.toByteArray()).isEqualTo(bytes);
    }

    @Test
    void aWriteOfNothingIsABrokenProtocolAndNoEndlessLoop() {
        writtenAtOnceMax = 0;
        try (GuestAgent agent = connect()) {
            assertThat(
                            catchThrowableOfType(
                                            GuestException.class,
                                            () -> agent.writeFile("/x", new byte[9]))
                                    .kind())
                    .isEqualTo(Kind.PROTOCOL);
        }
    }

    @Test
    void aMissingFileIsRefused() {
        fake.on(
                "guest-file-open",
                call -> call.refuse("GenericError", "failed to open file '/x' (mode: 'rb')"));
        try (GuestAgent agent = connect()) {
            assertThat(
                            catchThrowableOfType(
                                            GuestException.class, () -> agent.readFile("/x", 3))
                                    .kind())
                    .isEqualTo(Kind.REFUSED);
        }
    }

    private void read(FakeAgent.Call call) throws IOException {
        int count = call.arguments().path("count").asInt();
        chunks.add(count);
        int from = position.get();
        int to = Math.min(content.length, from + count);
        position.set(to);
        call.reply(
                Json.object()
                        .put("count", to - from)
                        .put(
                                "buf-b64",
                                Base64.getEncoder()
                                        .encodeToString(Arrays.copyOfRange(content, from, to)))
                        .put("eof", from + count > content.length));
    }

    private void write(FakeAgent.Call call) throws IOException {
        byte[] bytes = Base64.getDecoder().decode(call.arguments().path("buf-b64").asString());
        chunks.add(bytes.length);
        int count = Math.min(writtenAtOnceMax, bytes.length);
        written.write(bytes, 0, count);
        call.reply(Json.object().put("count", count).put("eof", false));
    }
}
