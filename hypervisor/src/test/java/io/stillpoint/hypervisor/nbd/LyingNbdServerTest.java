package io.stillpoint.hypervisor.nbd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stillpoint.hypervisor.HypervisorException;
import io.stillpoint.hypervisor.HypervisorException.Kind;
import io.stillpoint.platform.Threads;
import io.stillpoint.platform.block.Extent;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Each lie is found, named, and ends the connection; nothing is returned as if it had been read.
class LyingNbdServerTest {
    private static final int LENGTH = 65536;
    private static final int DONE = NbdWire.CHUNK_DONE;

    @TempDir Path folder;
    private LyingNbdServer server;

    @BeforeEach
    void listen() throws IOException {
        server = new LyingNbdServer(folder);
    }

    @AfterEach
    void end() throws IOException {
        server.close();
    }

    @Test
    void honestAnswersAreTaken() {
        server.reply = honest();
        try (NbdClient client = client()) {
            byte[] bytes = new byte[LENGTH];
            Arrays.fill(bytes, (byte) 9);
            client.read(0, bytes, 0, LENGTH);
            assertThat(bytes).isEqualTo(new byte[LENGTH]);
        }
    }

    @Test
    void chunksMayComeInAnyOrder() {
        server.reply =
                (out, command, cookie, offset, length) -> {
                    LyingNbdServer.data(out, 0, cookie, offset + 1000, 500);
                    LyingNbdServer.hole(out, 0, cookie, offset + 1500, length - 1500);
                    LyingNbdServer.data(out, DONE, cookie, offset, 1000);
                };
        read();
    }

    @Test
    void wrongGreetingIsFound() {
        server.greeting = out -> out.writeBytes("HTTP/1.1 400 Bad Request\r\n\r\n");
        lies("greeting");
    }

    @Test
    void oldstyleServerIsFound() {
        server.greeting =
                out -> {
                    out.writeLong(NbdWire.SERVER_MAGIC);
                    out.writeLong(0x0000420281861253L);
                    out.write(new byte[200]);
                };
        lies("greeting");
    }

    @Test
    void wrongOptionReplyIsFound() {
        server.info =
                out -> {
                    out.writeLong(42);
                    out.write(new byte[32]);
                };
        lies("magic of an option reply");
    }

    @Test
    void overlongOptionReplyIsFound() {
        server.info =
                out ->
                        LyingNbdServer.optionReply(
                                out, NbdWire.OPTION_GO, NbdWire.REPLY_INFO, Integer.MAX_VALUE);
        lies("length of an option reply");
    }

    @Test
    void endlessOptionRepliesAreFound() {
        server.info =
                out -> {
                    for (int i = 0; i < 1000; i++) {
                        LyingNbdServer.blockSize(out, 1, 1 << 25);
                    }
                };
        lies("replies to one option");
    }

    @Test
    void negativeSizeIsFound() {
        server.info = out -> LyingNbdServer.exportInfo(out, 12, -5, 1);
        lies("export size");
    }

    @Test
    void missingSizeIsFound() {
        server.info = out -> {};
        lies("export size");
    }

    @Test
    void impossibleBlockSizeIsFound() {
        server.info =
                out -> {
                    LyingNbdServer.exportInfo(out, 12, LyingNbdServer.SIZE, 1);
                    LyingNbdServer.blockSize(out, 3, 1 << 25);
                };
        lies("minimum block size");
    }

    @Test
    void foreignMetadataContextIsFound() {
        server.contexts =
                out -> {
                    byte[] name = "base:other".getBytes(StandardCharsets.UTF_8);
                    LyingNbdServer.optionReply(
                            out,
                            NbdWire.OPTION_SET_META_CONTEXT,
                            NbdWire.REPLY_META_CONTEXT,
                            4 + name.length);
                    out.writeInt(1);
                    out.write(name);
                };
        lies("metadata context");
    }

    @Test
    void wrongReplyMagicIsFound() {
        server.reply = (out, command, cookie, offset, length) -> out.write(new byte[64]);
        lies("magic of a reply");
    }

    @Test
    void unknownCookieIsFound() {
        server.reply =
                (out, command, cookie, offset, length) ->
                        LyingNbdServer.data(out, DONE, cookie + 1, offset, length);
        lies("cookie of a reply");
    }

    @Test
    void dataOutsideTheRequestIsFound() {
        server.reply =
                (out, command, cookie, offset, length) ->
                        LyingNbdServer.data(out, DONE, cookie, offset + length, 10);
        lies("range of a chunk");
    }

    @Test
    void dataBeforeTheRequestIsFound() {
        server.reply =
                (out, command, cookie, offset, length) ->
                        LyingNbdServer.data(out, DONE, cookie, offset - 1, length);
        lies("range of a chunk");
    }

    @Test
    void overlongDataIsFound() {
        server.reply =
                (out, command, cookie, offset, length) ->
                        LyingNbdServer.data(out, DONE, cookie, offset, length + 1);
        lies("range of a chunk");
    }

    @Test
    void holeBeyondTheRequestIsFound() {
        server.reply =
                (out, command, cookie, offset, length) ->
                        LyingNbdServer.hole(out, DONE, cookie, offset, -1);
        lies("range of a chunk");
    }

    @Test
    void emptyDataChunkIsFound() {
        server.reply =
                (out, command, cookie, offset, length) ->
                        LyingNbdServer.data(out, DONE, cookie, offset, 0);
        lies("length of a chunk");
    }

    @Test
    void overlapIsFound() {
        server.reply =
                (out, command, cookie, offset, length) -> {
                    LyingNbdServer.data(out, 0, cookie, offset, length);
                    LyingNbdServer.hole(out, DONE, cookie, offset + 5, 5);
                };
        lies("overlap");
    }

    @Test
    void overlapOutOfOrderIsFound() {
        server.reply =
                (out, command, cookie, offset, length) -> {
                    LyingNbdServer.data(out, 0, cookie, offset + 1000, 1000);
                    LyingNbdServer.data(out, DONE, cookie, offset, 1001);
                };
        lies("overlap");
    }

    @Test
    void gapIsFound() {
        server.reply =
                (out, command, cookie, offset, length) ->
                        LyingNbdServer.data(out, DONE, cookie, offset, length - 1);
        lies("a gap");
    }

    @Test
    void unknownChunkTypeIsFound() {
        server.reply =
                (out, command, cookie, offset, length) ->
                        LyingNbdServer.chunk(out, DONE, 99, cookie, 0);
        lies("chunk of a read");
    }

    @Test
    void endlessEmptyChunksAreFound() {
        server.reply =
                (out, command, cookie, offset, length) ->
                        LyingNbdServer.chunk(out, 0, NbdWire.CHUNK_NONE, cookie, 0);
        lies("chunk of type 0");
    }

    @Test
    void overlongErrorTextIsFound() {
        server.reply =
                (out, command, cookie, offset, length) -> {
                    LyingNbdServer.chunk(out, DONE, NbdWire.CHUNK_ERROR_BIT | 1, cookie, 60000);
                    out.writeInt(5);
                    out.writeShort(60000 - 6);
                };
        lies("error chunk");
    }

    @Test
    void extentsBeyondTheRequestAreFound() {
        server.reply =
                (out, command, cookie, offset, length) ->
                        LyingNbdServer.extents(out, cookie, 7, LyingNbdServer.SIZE, 0, 4096, 0);
        liesAboutStatus("extents of a block status");
    }

    @Test
    void emptyExtentIsFound() {
        server.reply =
                (out, command, cookie, offset, length) ->
                        LyingNbdServer.extents(out, cookie, 7, 0, 0);
        liesAboutStatus("extents of a block status");
    }

    @Test
    void missingExtentsAreFound() {
        server.reply =
                (out, command, cookie, offset, length) ->
                        LyingNbdServer.chunk(out, DONE, NbdWire.CHUNK_NONE, cookie, 0);
        liesAboutStatus("block status");
    }

    @Test
    void extentsOfAnotherContextAreFound() {
        server.reply =
                (out, command, cookie, offset, length) ->
                        LyingNbdServer.extents(out, cookie, 8, LyingNbdServer.SIZE, 0);
        liesAboutStatus("context of a block status");
    }

    @Test
    void extentsCutShortOrReachingFartherAreTaken() {
        server.reply =
                (out, command, cookie, offset, length) -> {
                    if (offset == 0) {
                        LyingNbdServer.extents(out, cookie, 7, 4096, 0, 4096, 3);
                    } else if (offset == 8192) {
                        LyingNbdServer.extents(out, cookie, 7, 1 << 30, 0);
                    } else {
                        throw new EOFException();
                    }
                };
        try (NbdSource source = NbdSource.open(server.address(), "disk", 1, Threads.ofProcess())) {
            List<Extent> extents = new ArrayList<>();
            source.dataExtents().forEachRemaining(extents::add);
            assertThat(extents)
                    .containsExactly(
                            new Extent(0, 4096), new Extent(8192, LyingNbdServer.SIZE - 8192));
        }
    }

    @Test
    void errorReplyIsRefusedAndTheConnectionGoesOn() {
        server.reply = LyingNbdServerTest::error;
        try (NbdClient client = client()) {
            assertThatThrownBy(() -> client.read(0, new byte[LENGTH], 0, LENGTH))
                    .hasMessageContainingAll("EIO", "it is broken")
                    .satisfies(e -> assertThat(kind(e)).isEqualTo(Kind.REFUSED));
            server.reply = honest();
            client.read(0, new byte[LENGTH], 0, LENGTH);
        }
    }

    @Test
    void serverThatShutsDownIsUnreachable() {
        server.reply =
                (out, command, cookie, offset, length) -> {
                    LyingNbdServer.chunk(out, DONE, NbdWire.CHUNK_ERROR_BIT | 1, cookie, 6);
                    out.writeInt(NbdWire.ERROR_SHUTDOWN);
                    out.writeShort(0);
                };
        fails(Kind.UNREACHABLE, "shuts down");
    }

    @Test
    void closeMidwayIsUnreachable() {
        server.reply =
                (out, command, cookie, offset, length) -> {
                    LyingNbdServer.chunk(out, DONE, NbdWire.CHUNK_OFFSET_DATA, cookie, 8 + length);
                    out.writeLong(offset);
                    out.write(new byte[length / 2]);
                    out.flush();
                    throw new EOFException();
                };
        fails(Kind.UNREACHABLE, "was lost");
    }

    @Test
    void silentServerIsUnreachable() {
        server.reply = (out, command, cookie, offset, length) -> {};
        try (NbdClient client =
                NbdClient.connect(server.address(), "disk", Optional.empty(), 1, guard())) {
            assertThatThrownBy(() -> client.read(0, new byte[LENGTH], 0, LENGTH))
                    .satisfies(e -> assertThat(kind(e)).isEqualTo(Kind.UNREACHABLE));
        }
    }

    @Test
    void silentHandshakeIsUnreachable() {
        server.greeting = out -> {};
        assertThatThrownBy(() ->
                        NbdClient.connect(server.address(), "disk", Optional.empty(), 1, guard())
                                .close())
                .satisfies(e -> assertThat(kind(e)).isEqualTo(Kind.UNREACHABLE));
    }

    @Test
    void readsNotAlignedToTheServersBlocksAreWidened() {
        server.info =
                out -> {
                    LyingNbdServer.exportInfo(out, 12, LyingNbdServer.SIZE, 1 | 2);
                    LyingNbdServer.blockSize(out, 512, 1 << 20);
                };
        List<Long> requests = new ArrayList<>();
        server.reply =
                (out, command, cookie, offset, length) -> {
                    requests.add(offset);
                    requests.add((long) length);
                    LyingNbdServer.data(out, DONE, cookie, offset, length);
                };
        try (NbdClient client = client()) {
            client.read(700, new byte[10], 0, 10);
            assertThat(requests).containsExactly(512L, 512L);
        }
    }

    private static LyingNbdServer.Reply honest() {
        return (out, command, cookie, offset, length) ->
                LyingNbdServer.data(out, DONE, cookie, offset, length);
    }

    private static void error(
            DataOutputStream out, int command, long cookie, long offset, int length)
            throws IOException {
        byte[] text = "it is broken".getBytes(StandardCharsets.UTF_8);
        LyingNbdServer.chunk(
                out, DONE, NbdWire.CHUNK_ERROR_OFFSET, cookie, 6 + text.length + Long.BYTES);
        out.writeInt(5);
        out.writeShort(text.length);
        out.write(text);
        out.writeLong(offset);
    }

    private static StallGuard guard() {
        return new StallGuard(Duration.ofMillis(200), Threads.ofProcess());
    }

    private NbdClient client() {
        return NbdClient.connect(
                server.address(),
                "disk",
                Optional.of(NbdClient.ALLOCATION),
                1,
                Threads.ofProcess());
    }

    private void read() {
        try (NbdClient client = client()) {
            client.read(LENGTH, new byte[LENGTH], 0, LENGTH);
        }
    }

    private void lies(String about) {
        fails(Kind.PROTOCOL, about);
    }

    private void fails(Kind kind, String about) {
        assertThatThrownBy(this::read)
                .hasMessageContaining(about)
                .satisfies(e -> assertThat(kind(e)).isEqualTo(kind));
    }

    private void liesAboutStatus(String about) {
        try (NbdSource source = NbdSource.open(server.address(), "disk", 1, Threads.ofProcess())) {
            Iterator<Extent> extents = source.dataExtents();
            assertThatThrownBy(extents::hasNext)
                    .hasMessageContaining(about)
                    .satisfies(e -> assertThat(kind(e)).isEqualTo(Kind.PROTOCOL));
        }
    }

    private static Kind kind(Throwable thrown) {
        return ((HypervisorException) thrown).kind();
    }
}
