package io.stillpoint.hypervisor.qemu;

import io.stillpoint.hypervisor.HypervisorException;
import io.stillpoint.platform.Json;
import io.stillpoint.platform.Threads;
import io.stillpoint.platform.natives.OwnedDescriptor;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.function.Predicate;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/// The VM's monitor for the length of a job: a [QmpClient] that is connected anew after a drop. A command
/// that was under way when the connection dropped fails; only the next one goes through a new connection.
final class Monitor implements AutoCloseable {
    private final Path socket;
    private final Threads threads;
    private QmpClient client;
    private boolean closed;

    Monitor(Path socket, Threads threads) {
        this(socket, QmpClient.Patience.JOB, threads);
    }

    Monitor(Path socket, QmpClient.Patience patience, Threads threads) {
        this.socket = socket;
        this.threads = threads;
        this.client = QmpClient.connect(socket, patience, threads);
    }

    Path socket() {
        return socket;
    }

    /// Make all that this VM needs.
    Threads threads() {
        return threads;
    }

    JsonNode execute(String command) {
        return client().execute(command);
    }

    JsonNode execute(String command, ObjectNode arguments) {
        return client().execute(command, arguments);
    }

    /// Runs a command that may be refused, as a question about a property that not every device has.
    Optional<JsonNode> ask(String command, ObjectNode arguments) {
        try {
            return Optional.of(execute(command, arguments));
        } catch (HypervisorException e) {
            if (e.kind() == HypervisorException.Kind.REFUSED) {
                return Optional.empty();
            }
            throw e;
        }
    }

    Optional<JsonNode> awaitEvent(String name, Predicate<JsonNode> wanted, Duration timeout) {
        return client().awaitEvent(name, wanted, timeout);
    }

    Optional<QmpEvent> awaitEvent(Predicate<QmpEvent> wanted, Duration timeout) {
        return client().awaitEvent(wanted, timeout);
    }

    /// Runs a command with a descriptor, of which QEMU gets a copy.
    JsonNode execute(String command, ObjectNode arguments, OwnedDescriptor handed) {
        return client().execute(command, arguments, handed);
    }

    QemuProcess process() {
        return client().process();
    }

    /// Every node of the block graph, with its bitmaps.
    JsonNode nodes() {
        return execute("query-named-block-nodes", Json.object().put("flat", true));
    }

    boolean isVmRunning() {
        return execute("query-status").path("running").asBoolean(false);
    }

    /// Ends the connection, to see whether a new one takes its place.
    synchronized void drop() {
        client.close();
    }

    @Override
    public synchronized void close() {
        closed = true;
        client.close();
    }

    private synchronized QmpClient client() {
        if (client.isClosed() && !closed) {
            client = QmpClient.connect(socket, threads);
        }
        return client;
    }
}
