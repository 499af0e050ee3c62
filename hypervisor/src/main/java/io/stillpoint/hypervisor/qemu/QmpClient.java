package io.stillpoint.hypervisor.qemu;

import io.stillpoint.hypervisor.HypervisorException;
import io.stillpoint.hypervisor.HypervisorException.Kind;
import io.stillpoint.platform.Json;
import io.stillpoint.platform.Threads;
import io.stillpoint.platform.Waiting;
import io.stillpoint.platform.disk.Reason;
import io.stillpoint.platform.natives.OwnedDescriptor;
import io.stillpoint.platform.natives.UnixSocket;
import io.stillpoint.platform.text.Text;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Iterator;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/// A client of QEMU's machine protocol on a unix socket (docs/interop/qmp-spec of QEMU). Safe for several
/// threads; a thread of its own reads. A monitor serves one client at a time.
///
/// Throws [HypervisorException] of kind UNREACHABLE when the socket or its peer is gone or silent, REFUSED with
/// the error's class and text when QEMU refuses a command, PROTOCOL when what answers is no monitor. Once it has
/// failed with UNREACHABLE or PROTOCOL a client stays failed; a new one may be connected to the same socket.
public final class QmpClient implements AutoCloseable {
    /// How long a monitor may take to greet. QEMU greets at once unless another client holds the monitor.
    static final Duration GREETING_MAX = Duration.ofSeconds(5);

    /// How long a command may take; `stop` flushes every disk.
    static final Duration COMMAND_MAX = Duration.ofSeconds(60);

    /// Events that nobody asked for; beyond these the oldest are dropped.
    private static final int EVENTS_MAX = 1024;

    /// Their lines together.
    private static final int EVENT_BYTES_MAX = 1 << 20;

    private final Path socket;
    private final UnixSocket channel;
    private final QemuProcess process;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition arrived = lock.newCondition();
    private final Map<Long, Optional<JsonNode>> replies = new HashMap<>();
    private final ArrayDeque<Kept> events = new ArrayDeque<>();
    private int eventBytesKept;
    private long lastId;
    private final Duration commandMax;

    private @Nullable JsonNode greeting;
    private @Nullable HypervisorException failure;

    /// @param bytes of its line
    private record Kept(QmpEvent event, int bytes) {}

    /// How long somebody waits for QEMU.
    ///
    /// @param greeting if another program holds the monitor
    /// @param command for an answer, if nothing else is said
    record Patience(Duration greeting, Duration command) {
        /// Of a job.
        static final Patience JOB = new Patience(GREETING_MAX, COMMAND_MAX);

        /// Of a look at many monitors: QEMU greets at once unless another program holds the monitor, and one that hangs must
        /// not hold up the others.
        static final Patience LOOK = new Patience(Duration.ofSeconds(1), Duration.ofSeconds(5));
    }

    private QmpClient(Path socket, UnixSocket channel, Duration commandMax, Threads threads)
            throws IOException {
        this.commandMax = commandMax;
        this.socket = socket;
        this.channel = channel;
        this.process = QemuProcess.of(channel.peer());
        threads.working("qmp-reader", this::readAll).start();
    }

    /// Connects and negotiates.
    ///
    /// @param threads make the one that reads
    public static QmpClient connect(Path socket, Threads threads) {
        return connect(socket, Patience.JOB, threads);
    }

    static QmpClient connect(Path socket, Duration greetingMax, Threads threads) {
        return connect(socket, new Patience(greetingMax, COMMAND_MAX), threads);
    }

    static QmpClient connect(Path socket, Patience patience, Threads threads) {
        QmpClient client;
        try {
            client =
                    new QmpClient(
                            socket,
                            UnixSocket.connect(socket, patience.greeting()),
                            patience.command(),
                            threads);
        } catch (UnixSocket.BusyException e) {
            // Its queue of two is full, and it takes nobody out.
            throw new HypervisorException(Kind.UNREACHABLE, "qmp.hung", e, socket);
        } catch (IOException e) {
            throw new HypervisorException(
                    Kind.UNREACHABLE, "qmp.no-monitor", e, socket, Reason.of(e));
        }
        boolean done = false;
        try (Waiting _ =
                Waiting.until(() -> text("qmp.awaiting-greeting", socket, client.state()))) {
            client.awaitGreeting(patience.greeting());
            client.execute("qmp_capabilities");
            done = true;
            return client;
        } finally {
            if (!done) {
                client.close();
            }
        }
    }

    /// The process that listens at the socket.
    QemuProcess process() {
        return process;
    }

    /// Runs a command without arguments; see [#execute(String,ObjectNode,Duration)].
    public JsonNode execute(String command) {
        return execute(command, Json.object(), commandMax);
    }

    /// Runs a command; see [#execute(String,ObjectNode,Duration)].
    public JsonNode execute(String command, ObjectNode arguments) {
        return execute(command, arguments, commandMax);
    }

    /// Runs a command and returns its `return` value. After a timeout the client stays usable: the late
    /// answer is recognised and dropped.
    public JsonNode execute(String command, ObjectNode arguments, Duration timeout) {
        return result(command, exchange(command, arguments, timeout, null));
    }

    /// Runs a command with a descriptor, of which QEMU gets a copy.
    JsonNode execute(String command, ObjectNode arguments, OwnedDescriptor handed) {
        return result(command, exchange(command, arguments, COMMAND_MAX, handed));
    }

    private JsonNode result(String command, JsonNode reply) {
        JsonNode error = reply.path("error");
        if (error.isObject()) {
            throw new HypervisorException(
                    Kind.REFUSED,
                    "qmp.refused",
                    null,
                    socket,
                    command,
                    error.path("class").asString("?"),
                    error.path("desc").asString("?"));
        }
        return reply.path("return");
    }

    /// Waits for an event and takes it out of the queue. Events that came before the call count.
    public Optional<JsonNode> awaitEvent(
            String name, Predicate<JsonNode> wanted, Duration timeout) {
        return awaitEvent(event -> event.name().equals(name) && wanted.test(event.data()), timeout)
                .map(QmpEvent::data);
    }

    /// Waits for whichever event is wanted and comes first, and takes it out of the queue.
    Optional<QmpEvent> awaitEvent(Predicate<QmpEvent> wanted, Duration timeout) {
        long left = timeout.toNanos();
        lock.lock();
        try {
            while (true) {
                for (Iterator<Kept> i = events.iterator(); i.hasNext(); ) {
                    Kept kept = i.next();
                    if (wanted.test(kept.event)) {
                        i.remove();
                        eventBytesKept -= kept.bytes;
                        return Optional.of(kept.event);
                    }
                }
                if (failure != null) {
                    throw copyOf(failure);
                }
                if (left <= 0) {
                    return Optional.empty();
                }
                left = arrived.awaitNanos(left);
            }
        } catch (InterruptedException e) {
            throw interrupted(e);
        } finally {
            lock.unlock();
        }
    }

    /// Whether the connection has ended.
    public boolean isClosed() {
        lock.lock();
        try {
            return failure != null;
        } finally {
            lock.unlock();
        }
    }

    @Override
    public void close() {
        fail(new HypervisorException(Kind.UNREACHABLE, "qmp.lost", null, socket, "closed by us"));
    }

    private JsonNode exchange(
            String command,
            ObjectNode arguments,
            Duration timeout,
            @Nullable OwnedDescriptor handed) {
        lock.lock();
        try {
            long id = ++lastId;
            // Written under the lock: commands of two threads must not mix. They are short and QEMU
            // reads them at once, so the socket's buffer takes them whole.
            replies.put(id, Optional.empty());
            try (Waiting _ =
                    Waiting.until(() -> text("qmp.awaiting-reply", socket, command, state()))) {
                send(id, command, arguments, handed);
                return awaitReply(id, command, timeout);
            } finally {
                replies.remove(id);
            }
        } finally {
            lock.unlock();
        }
    }

    private void send(
            long id, String command, ObjectNode arguments, @Nullable OwnedDescriptor handed) {
        if (failure != null) {
            throw copyOf(failure);
        }
        ObjectNode message = Json.object().put("execute", command).put("id", id);
        if (!arguments.isEmpty()) {
            message.set("arguments", arguments);
        }
        byte[] json = Json.bytes(message);
        byte[] line = Arrays.copyOf(json, json.length + 1);
        line[json.length] = '\n';
        try {
            channel.write(line, handed);
        } catch (IOException e) {
            fail(lost(e));
            throw lost(e);
        }
    }

    private JsonNode awaitReply(long id, String command, Duration timeout) {
        long left = timeout.toNanos();
        try {
            while (true) {
                Optional<JsonNode> reply = replies.getOrDefault(id, Optional.empty());
                if (reply.isPresent()) {
                    return reply.get();
                }
                if (failure != null) {
                    throw copyOf(failure);
                }
                if (left <= 0) {
                    throw new HypervisorException(
                            Kind.UNREACHABLE,
                            "qmp.timeout",
                            null,
                            socket,
                            command,
                            Long.toString(timeout.toSeconds()));
                }
                left = arrived.awaitNanos(left);
            }
        } catch (InterruptedException e) {
            throw interrupted(e);
        }
    }

    private void awaitGreeting(Duration greetingMax) {
        long left = greetingMax.toNanos();
        lock.lock();
        try {
            while (greeting == null) {
                if (failure != null) {
                    throw copyOf(failure);
                }
                if (left <= 0) {
                    throw silent();
                }
                left = arrived.awaitNanos(left);
            }
        } catch (InterruptedException e) {
            throw interrupted(e);
        } finally {
            lock.unlock();
        }
    }

    /// Why a monitor may be silent.
    private HypervisorException silent() {
        return process.isStopped()
                ? new HypervisorException(
                        Kind.UNREACHABLE,
                        "qmp.stopped",
                        null,
                        socket,
                        Integer.toString(process.id()))
                : new HypervisorException(Kind.UNREACHABLE, "qmp.monitor-held", null, socket);
    }

    private Text state() {
        return text(
                process.isStopped() ? "qmp.state-stopped" : "qmp.state-silent",
                Integer.toString(process.id()));
    }

    private void readAll() {
        QmpLines lines = new QmpLines(channel);
        try {
            while (take(lines.next())) {}
        } catch (QmpLines.OverlongLineException e) {
            fail(tooLarge(e.max()));
        } catch (IOException e) {
            fail(lost(e));
        } catch (OutOfMemoryError | StackOverflowError e) {
            // Whoever waits for an answer must hear that none comes.
            fail(tooLarge(0));
        }
    }

    /// Takes one message; false when the connection had to be ended.
    private boolean take(byte[] line) {
        if (line.length == 0 || (line.length == 1 && line[0] == '\r')) {
            return true;
        }
        JsonNode message;
        try {
            message = Json.parse(line);
        } catch (JacksonException e) {
            fail(protocol("a JSON object per line", excerpt(line)));
            return false;
        }
        lock.lock();
        try {
            if (message.path("event").isString()) {
                keep(new QmpEvent(message.path("event").asString(), message.path("data")), line);
            } else if (message.has("return") || message.path("error").isObject()) {
                if (!takeReply(message)) {
                    fail(protocol("a reply to one of our commands", excerpt(line)));
                    return false;
                }
            } else if (message.path("QMP").isObject() && greeting == null) {
                greeting = message;
            } else {
                fail(protocol("a greeting, reply or event", excerpt(line)));
                return false;
            }
            arrived.signalAll();
            return true;
        } finally {
            lock.unlock();
        }
    }

    /// Keeps an event until it is asked for, or until newer ones take its place.
    private void keep(QmpEvent event, byte[] line) {
        events.addLast(new Kept(event, line.length));
        eventBytesKept += line.length;
        while (events.size() > EVENTS_MAX || eventBytesKept > EVENT_BYTES_MAX) {
            eventBytesKept -= events.removeFirst().bytes;
        }
    }

    private boolean takeReply(JsonNode message) {
        long id = message.path("id").asLong(-1);
        if (id < 1 || id > lastId) {
            return false;
        }
        // A reply that nobody waits for any more came after its command's timeout.
        replies.computeIfPresent(id, (key, waiting) -> Optional.of(message));
        return true;
    }

    private void fail(HypervisorException cause) {
        lock.lock();
        try {
            if (failure == null) {
                failure = cause;
            }
            arrived.signalAll();
        } finally {
            lock.unlock();
        }
        channel.close();
    }

    private HypervisorException lost(IOException cause) {
        return new HypervisorException(
                Kind.UNREACHABLE, "qmp.lost", cause, socket, Reason.of(cause));
    }

    /// @param max bytes; 0: more than there is memory for
    private HypervisorException tooLarge(int max) {
        return new HypervisorException(
                Kind.PROTOCOL,
                "qmp.too-large",
                null,
                socket,
                max == 0 ? "there is memory for" : max + " bytes");
    }

    private HypervisorException protocol(String expected, String found) {
        return new HypervisorException(
                Kind.PROTOCOL, "qmp.protocol", null, socket, expected, found);
    }

    /// The same failure for each thread that meets it: an exception must not be thrown twice, since each
    /// thrower adds to it.
    private HypervisorException copyOf(HypervisorException first) {
        return new HypervisorException(first.kind(), "qmp.ended", first, socket, first);
    }

    private HypervisorException interrupted(InterruptedException cause) {
        Thread.currentThread().interrupt();
        return new HypervisorException(Kind.UNREACHABLE, "qmp.lost", cause, socket, "interrupted");
    }

    private static Text text(String code, Object... arguments) {
        return Text.of(HypervisorException.class, code, arguments);
    }

    private static String excerpt(byte[] line) {
        int length = Math.min(line.length, 120);
        return new String(line, 0, length, StandardCharsets.UTF_8).replaceAll("\\p{Cntrl}", "?");
    }
}
