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
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.LockSupport;
import jdk.net.ExtendedSocketOptions;
import jdk.net.UnixDomainPrincipal;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/// Answers commands at the control socket. Each connection has a thread and one request.
public final class ControlServer implements AutoCloseable {
    private static final int REQUEST_MAX = 1 << 20;

    /// Requests that are answered at once.
    private static final int OPEN_MAX = 200;

    private final Path socket;
    private final boolean hasGroup;
    private final Handler handler;
    private final Threads threads;
    private final ServerSocketChannel server;
    private final Set<SocketChannel> open = ConcurrentHashMap.newKeySet();

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
            Control control, ServerSocketChannel server, Handler handler, Threads threads) {
        socket = control.socket();
        hasGroup = control.group().isPresent();
        this.server = server;
        this.handler = handler;
        this.threads = threads;
    }

    /// Begins to answer. Throws a [ControlException] if another service answers there, or the socket can't be made.
    public static ControlServer start(Control control, Handler handler, Threads threads) {
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
            ControlServer started = new ControlServer(control, server, handler, threads);
            threads.waiting("control", started::accept).start();
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
                SocketChannel channel = server.accept();
                if (open.size() >= OPEN_MAX) {
                    // Whoever asks again is let in when others have been answered.
                    channel.close();
                    continue;
                }
                open.add(channel);
                threads.waiting("control-request", () -> answer(channel)).start();
            } catch (ClosedChannelException e) {
                return;
            } catch (IOException e) {
                // Too many are open just now, say; the next one may fare better.
                LockSupport.parkNanos(100_000_000);
            }
        }
    }

    private void answer(SocketChannel channel) {
        try (channel;
                OutputStream out = Channels.newOutputStream(channel)) {
            UnixDomainPrincipal peer = channel.getOption(ExtendedSocketOptions.SO_PEERCRED);
            String user = peer.user().getName();
            // With a group the system has let in nobody else.
            boolean isAllowed =
                    hasGroup || user.equals("root") || user.equals(System.getProperty("user.name"));
            if (isAllowed) {
                answer(Channels.newInputStream(channel), user, line -> write(out, line));
            }
        } catch (IOException | UncheckedIOException e) {
            // Nobody waits for the answer any more.
        } finally {
            open.remove(channel);
        }
    }

    private void answer(InputStream in, String user, Reply reply) throws IOException {
        try {
            handler.answer(Json.parse(line(in)), user, reply);
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
            for (SocketChannel each : open) {
                each.close();
            }
            Files.deleteIfExists(socket);
        } catch (IOException e) {
            // The next service removes what is left.
        }
    }
}
