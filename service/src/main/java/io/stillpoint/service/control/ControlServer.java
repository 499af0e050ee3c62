package io.stillpoint.service.control;

import io.stillpoint.platform.Json;
import io.stillpoint.platform.StillpointException;
import io.stillpoint.platform.Threads;
import io.stillpoint.platform.disk.Reason;
import io.stillpoint.platform.natives.OtherUsers;
import io.stillpoint.service.config.ServiceConfig.Control;
import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.Channels;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.GroupPrincipal;
import java.nio.file.attribute.PosixFileAttributeView;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.Collections;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Predicate;
import jdk.net.ExtendedSocketOptions;
import jdk.net.UnixDomainPrincipal;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/// Answers commands at the control socket. Each connection has a thread and one request.
public final class ControlServer implements AutoCloseable {
    private static final int REQUEST_MAX = 1 << 20;

    /// What is asked of those who connect.
    ///
    /// @param openMax requests of one user that are answered at once; those of owners are not counted
    /// @param askMax whoever connects asks within this time
    /// @param isOwner whether a user may do everything
    record Rules(int openMax, Duration askMax, Predicate<String> isOwner) {
        /// Root, and the service's own user.
        static final Rules USUAL =
                new Rules(
                        50,
                        Duration.ofSeconds(10),
                        user ->
                                user.equals("root")
                                        || user.equals(System.getProperty("user.name")));
    }

    private static final long LOOK_NANOS = 1_000_000_000;

    private static final Set<PosixFilePermission> OTHERS =
            Set.of(
                    PosixFilePermission.OTHERS_READ,
                    PosixFilePermission.OTHERS_WRITE,
                    PosixFilePermission.OTHERS_EXECUTE);

    private final Path socket;
    private final boolean hasGroup;
    private final Rules rules;
    private final Handler handler;
    private final Threads threads;
    private final ServerSocketChannel server;
    private final Map<SocketChannel, Peer> open = new ConcurrentHashMap<>();

    /// Who has connected, and when; [#asked] once the request is there.
    private record Peer(String user, long since, AtomicBoolean asked) {}

    /// Answers one request.
    @FunctionalInterface
    public interface Handler {
        /// @param user who asks, as the system says
        /// @param reply takes each line of the answer; throws [UncheckedIOException] if nobody reads it any more
        void answer(JsonNode request, String user, Reply reply);
    }

    /// Takes the lines of an answer.
    @FunctionalInterface
    public interface Reply {
        void line(ObjectNode line);
    }

    private ControlServer(
            Control control,
            ServerSocketChannel server,
            Handler handler,
            Threads threads,
            Rules rules) {
        this.rules = rules;
        socket = control.socket();
        hasGroup = control.group().isPresent();
        this.server = server;
        this.handler = handler;
        this.threads = threads;
    }

    /// Begins to answer. Throws a [ControlException] if another service answers there, or the socket can't be made.
    public static ControlServer start(Control control, Handler handler, Threads threads) {
        return start(control, handler, threads, Rules.USUAL);
    }

    static ControlServer start(Control control, Handler handler, Threads threads, Rules rules) {
        Path socket = control.socket();
        try {
            Path folder = socket.getParent();
            if (folder != null && Files.isDirectory(folder) && OtherUsers.mayChange(folder)) {
                throw ControlException.otherUsers(socket, folder);
            }
            if (folder != null && !Files.isDirectory(folder)) {
                Files.createDirectories(
                        folder,
                        PosixFilePermissions.asFileAttribute(
                                PosixFilePermissions.fromString("rwxr-xr-x")));
            }
            removeStale(socket);
            ServerSocketChannel server = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
            boolean done = false;
            try {
                server.bind(UnixDomainSocketAddress.of(socket));
                admit(control);
                done = true;
            } finally {
                if (!done) {
                    server.close();
                }
            }
            ControlServer started = new ControlServer(control, server, handler, threads, rules);
            threads.waiting("control", started::accept).start();
            threads.waiting("control-idle", started::endIdle).start();
            return started;
        } catch (IOException | UnsupportedOperationException e) {
            throw ControlException.socket(socket, Reason.of(e), e);
        }
    }

    /// What a process that was killed has left.
    private static void removeStale(Path socket) throws IOException {
        if (!Files.exists(socket, LinkOption.NOFOLLOW_LINKS)) {
            return;
        }
        BasicFileAttributes found =
                Files.readAttributes(socket, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS);
        if (!found.isOther()) {
            throw ControlException.noSocket(socket);
        }
        try (SocketChannel _ = SocketChannel.open(UnixDomainSocketAddress.of(socket))) {
            throw ControlException.taken(socket);
        } catch (IOException e) {
            Files.delete(socket);
        }
    }

    /// Until then nobody but this user's processes could connect, as the socket is made by the process's umask or for this
    /// user alone.
    private static void admit(Control control) throws IOException {
        PosixFileAttributeView view =
                Files.getFileAttributeView(control.socket(), PosixFileAttributeView.class);
        view.setPermissions(
                PosixFilePermissions.fromString(
                        control.group().isPresent() ? "rw-rw----" : "rw-------"));
        if (control.group().isPresent()) {
            GroupPrincipal group =
                    control.socket()
                            .getFileSystem()
                            .getUserPrincipalLookupService()
                            .lookupPrincipalByGroupName(control.group().get());
            view.setGroup(group);
        }
    }

    private void accept() {
        while (server.isOpen()) {
            try {
                admit(server.accept());
            } catch (ClosedChannelException e) {
                return;
            } catch (IOException e) {
                // Too many are open just now, say; the next one may fare better.
                LockSupport.parkNanos(100_000_000);
            }
        }
    }

    private void admit(SocketChannel channel) throws IOException {
        boolean done = false;
        try {
            Peer peer = peer(channel);
            if (isAllowed(peer) && !isOneTooMany(peer)) {
                open.put(channel, peer);
                threads.waiting("control-request", () -> answer(channel, peer)).start();
                done = true;
            }
        } finally {
            if (!done) {
                channel.close();
            }
        }
    }

    private static Peer peer(SocketChannel channel) throws IOException {
        UnixDomainPrincipal peer = channel.getOption(ExtendedSocketOptions.SO_PEERCRED);
        return new Peer(peer.user().getName(), System.nanoTime(), new AtomicBoolean());
    }

    /// With a group the system lets in nobody else, as long as the socket's mode is what it was made with.
    private boolean isAllowed(Peer peer) throws IOException {
        return isOwner(peer)
                || (hasGroup
                        && Collections.disjoint(
                                Files.getPosixFilePermissions(socket, LinkOption.NOFOLLOW_LINKS),
                                OTHERS));
    }

    private boolean isOwner(Peer peer) {
        return rules.isOwner().test(peer.user());
    }

    private boolean isOneTooMany(Peer peer) {
        return !isOwner(peer)
                && open.values().stream().filter(each -> each.user().equals(peer.user())).count()
                        >= rules.openMax();
    }

    /// Ends connections that ask nothing.
    private void endIdle() {
        while (server.isOpen()) {
            open.forEach((channel, peer) -> {
                if (!peer.asked().get()
                        && System.nanoTime() - peer.since() > rules.askMax().toNanos()) {
                    try {
                        channel.close();
                    } catch (IOException e) {
                        // It is closed all the same.
                    }
                }
            });
            LockSupport.parkNanos(LOOK_NANOS);
        }
    }

    private void answer(SocketChannel channel, Peer peer) {
        try (channel;
                OutputStream out = Channels.newOutputStream(channel)) {
            answer(Channels.newInputStream(channel), peer, line -> write(out, line));
        } catch (IOException | UncheckedIOException e) {
            // Nobody waits for the answer any more.
        } finally {
            open.remove(channel);
        }
    }

    private void answer(InputStream in, Peer peer, Reply reply) throws IOException {
        try {
            byte[] request = line(in);
            peer.asked().set(true);
            // The client knows then that somebody is at work, however long it takes.
            reply.line(Json.object().put("taken", true));
            handler.answer(Json.parse(request), peer.user(), reply);
            reply.line(Json.object().put("end", true));
        } catch (StillpointException e) {
            reply.line(error(e.code(), e.getMessage()));
        } catch (JacksonException | IllegalArgumentException e) {
            ControlException wrong = ControlException.request(String.valueOf(e.getMessage()));
            reply.line(error(wrong.code(), wrong.getMessage()));
        } catch (UncheckedIOException e) {
            throw e;
        } catch (RuntimeException e) {
            reply.line(error("defect", e.toString()));
        }
    }

    private static ObjectNode error(String code, String message) {
        ObjectNode line = Json.object();
        line.putObject("error").put("code", code).put("message", message);
        return line;
    }

    private static byte[] line(InputStream in) throws IOException {
        InputStream buffered = new BufferedInputStream(in);
        ByteArrayOutputStream line = new ByteArrayOutputStream();
        for (int next = buffered.read(); next >= 0 && next != '\n'; next = buffered.read()) {
            if (line.size() == REQUEST_MAX) {
                throw ControlException.request("more than " + REQUEST_MAX + " bytes");
            }
            line.write(next);
        }
        return line.toByteArray();
    }

    private static void write(OutputStream out, ObjectNode line) {
        try {
            out.write((line + "\n").getBytes(StandardCharsets.UTF_8));
            out.flush();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public void close() {
        try {
            server.close();
            for (SocketChannel each : open.keySet()) {
                each.close();
            }
            Files.deleteIfExists(socket);
        } catch (IOException e) {
            // The next service removes what is left.
        }
    }
}
