package io.stillpoint.guest.quiesce;

import io.stillpoint.guest.GuestAgent;
import io.stillpoint.guest.GuestException;
import io.stillpoint.guest.GuestPipe;
import io.stillpoint.platform.Json;
import java.time.Duration;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;

/// The pipe of the Windows service IaaSVmProvider (`docs/extensions.md`, "VMSnapshot at work"): one line asks, one answers.
final class WindowsService implements AutoCloseable {
    static final String PIPE = "\\\\.\\pipe\\IaaSVmProvider";

    private final GuestAgent agent;
    private GuestPipe pipe;

    /// Throws [GuestException] if the service does not run.
    WindowsService(GuestAgent agent) {
        this.agent = agent;
        pipe = agent.openPipe(PIPE);
    }

    /// Throws [GuestException]; what does not answer in JSON answers an empty object.
    JsonNode ask(String request, Duration patience) {
        pipe.writeLine(request);
        try {
            return Json.parse(pipe.readLine(patience));
        } catch (JacksonException e) {
            return Json.object();
        }
    }

    /// Asks, over a new connection if this one has failed: an agent that was started anew knows it no more.
    JsonNode askAgain(String request, Duration patience) {
        try {
            return ask(request, patience);
        } catch (GuestException e) {
            close();
            pipe = agent.openPipe(PIPE);
            return ask(request, patience);
        }
    }

    @Override
    public void close() {
        try {
            pipe.close();
        } catch (GuestException e) {
            // The agent closes it when it ends.
        }
    }
}
