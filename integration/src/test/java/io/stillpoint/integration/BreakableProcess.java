package io.stillpoint.integration;

import com.sun.jdi.Bootstrap;
import com.sun.jdi.IncompatibleThreadStateException;
import com.sun.jdi.Method;
import com.sun.jdi.ReferenceType;
import com.sun.jdi.StringReference;
import com.sun.jdi.ThreadReference;
import com.sun.jdi.VMDisconnectedException;
import com.sun.jdi.VirtualMachine;
import com.sun.jdi.connect.Connector;
import com.sun.jdi.connect.IllegalConnectorArgumentsException;
import com.sun.jdi.connect.ListeningConnector;
import com.sun.jdi.event.BreakpointEvent;
import com.sun.jdi.event.ClassPrepareEvent;
import com.sun.jdi.event.Event;
import com.sun.jdi.event.EventSet;
import com.sun.jdi.event.StepEvent;
import com.sun.jdi.event.VMDeathEvent;
import com.sun.jdi.event.VMDisconnectEvent;
import com.sun.jdi.request.ClassPrepareRequest;
import com.sun.jdi.request.EventRequest;
import com.sun.jdi.request.EventRequestManager;
import com.sun.jdi.request.StepRequest;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/// A Java process that ends by kill -9 when it comes to a place in its code, or leaves it. The test is its debugger, so that
/// nothing in the process knows of it.
final class BreakableProcess implements AutoCloseable {
    private static final String START_MAX_MILLIS = "120000";

    private final Process process;
    private final VirtualMachine machine;
    private final List<Place> places;
    private final CountDownLatch killed = new CountDownLatch(1);
    private final Thread following;
    private volatile @Nullable Plan plan;
    private volatile String where = "";

    /// A method of an object, whichever its parameters are.
    ///
    /// @param type the class's full name
    record Place(String type, String method) {
        @Override
        public String toString() {
            return type.substring(type.lastIndexOf('.') + 1) + "." + method;
        }
    }

    /// A call of such a method.
    ///
    /// @param texts those of its arguments that are texts
    record Call(Place place, List<String> texts) {}

    /// How it ends at a call.
    ///
    /// @param isAfter once the call has returned; else before it does anything
    /// @param delay for how long it goes on all the same
    record End(boolean isAfter, Duration delay) {}

    /// Says of each call whether the process ends there.
    interface Plan {
        Optional<End> at(Call call);
    }

    /// Starts it.
    ///
    /// @param options of Java, and what it runs
    BreakableProcess(List<String> options, Path log, List<Place> places) throws IOException {
        this.places = places;
        ListeningConnector connector =
                Bootstrap.virtualMachineManager().listeningConnectors().stream()
                        .filter(each -> each.name().equals("com.sun.jdi.SocketListen"))
                        .findFirst()
                        .orElseThrow();
        Map<String, Connector.Argument> arguments = connector.defaultArguments();
        Objects.requireNonNull(arguments.get("localAddress")).setValue("127.0.0.1");
        Objects.requireNonNull(arguments.get("timeout")).setValue(START_MAX_MILLIS);
        try {
            String address = connector.startListening(arguments);
            List<String> command = new ArrayList<>();
            command.add(ProcessHandle.current().info().command().orElse("java"));
            command.add(
                    "-agentlib:jdwp=transport=dt_socket,server=n,suspend=y,address=127.0.0.1:"
                            + address.substring(address.lastIndexOf(':') + 1));
            command.addAll(options);
            process =
                    new ProcessBuilder(command)
                            .redirectErrorStream(true)
                            .redirectOutput(ProcessBuilder.Redirect.appendTo(log.toFile()))
                            .start();
            boolean done = false;
            try {
                machine = connector.accept(arguments);
                done = true;
            } finally {
                connector.stopListening(arguments);
                if (!done) {
                    kill();
                }
            }
        } catch (IllegalConnectorArgumentsException e) {
            throw new AssertionError(e);
        }
        for (Place place : places) {
            ClassPrepareRequest request = machine.eventRequestManager().createClassPrepareRequest();
            request.addClassFilter(place.type());
            request.enable();
        }
        following = Thread.ofPlatform().daemon().start(this::follow);
    }

    /// From now on.
    void plan(Plan wanted) {
        plan = wanted;
    }

    /// Waits until the plan has ended the process, and tells where.
    String awaitEnd(Duration most) {
        try {
            if (!killed.await(most.toMillis(), TimeUnit.MILLISECONDS)) {
                throw new AssertionError("it did not come to its end in " + most);
            }
            int _ = process.waitFor();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
        return where;
    }

    private void follow() {
        try {
            while (true) {
                EventSet events = machine.eventQueue().remove();
                boolean isOver = false;
                for (Event event : events) {
                    isOver |= isEnd(event);
                }
                if (isOver) {
                    return;
                }
                events.resume();
            }
        } catch (InterruptedException | VMDisconnectedException e) {
            // It has ended.
        }
    }

    private boolean isEnd(Event event) throws InterruptedException {
        switch (event) {
            case ClassPrepareEvent prepared -> watch(prepared.referenceType());
            case BreakpointEvent reached -> {
                return isEnd(reached);
            }
            case StepEvent left -> {
                end(left.thread(), (Duration) left.request().getProperty("delay"));
                return true;
            }
            case VMDeathEvent _, VMDisconnectEvent _ -> {
                return true;
            }
            default -> {}
        }
        return false;
    }

    private void watch(ReferenceType type) {
        for (Place place : places) {
            for (Method method : type.methods()) {
                if (place.type().equals(type.name())
                        && place.method().equals(method.name())
                        && !method.isStatic()) {
                    EventRequest request =
                            machine.eventRequestManager()
                                    .createBreakpointRequest(method.location());
                    request.setSuspendPolicy(EventRequest.SUSPEND_EVENT_THREAD);
                    request.putProperty("place", place);
                    request.enable();
                }
            }
        }
    }

    private boolean isEnd(BreakpointEvent reached) throws InterruptedException {
        Plan now = plan;
        if (now == null) {
            return false;
        }
        Call call =
                new Call((Place) reached.request().getProperty("place"), texts(reached.thread()));
        Optional<End> end = now.at(call);
        if (end.isEmpty()) {
            return false;
        }
        plan = null;
        where = (end.get().isAfter() ? "after " : "before ") + call.place() + " " + first(call);
        if (!end.get().isAfter()) {
            end(reached.thread(), end.get().delay());
            return true;
        }
        StepRequest leave =
                machine.eventRequestManager()
                        .createStepRequest(
                                reached.thread(), StepRequest.STEP_LINE, StepRequest.STEP_OUT);
        leave.addCountFilter(1);
        leave.setSuspendPolicy(EventRequest.SUSPEND_EVENT_THREAD);
        leave.putProperty("delay", end.get().delay());
        leave.enable();
        return false;
    }

    private static String first(Call call) {
        return call.texts().stream().findFirst().orElse("");
    }

    private static List<String> texts(ThreadReference thread) {
        try {
            return thread.frame(0).getArgumentValues().stream()
                    .filter(StringReference.class::isInstance)
                    .map(each -> ((StringReference) each).value())
                    .toList();
        } catch (IncompatibleThreadStateException e) {
            throw new AssertionError(e);
        }
    }

    private void end(ThreadReference thread, Duration delay) throws InterruptedException {
        if (!delay.isZero()) {
            EventRequestManager requests = machine.eventRequestManager();
            requests.deleteAllBreakpoints();
            requests.deleteEventRequests(List.copyOf(requests.stepRequests()));
            requests.deleteEventRequests(List.copyOf(requests.classPrepareRequests()));
            thread.resume();
            Thread.sleep(delay);
        }
        kill();
        killed.countDown();
    }

    private void kill() {
        try {
            int _ = process.destroyForcibly().waitFor();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    @Override
    public void close() {
        kill();
        try {
            following.join();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }
}
