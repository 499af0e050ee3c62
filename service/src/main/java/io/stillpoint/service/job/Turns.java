package io.stillpoint.service.job;

import io.stillpoint.engine.TransferTurn;
import io.stillpoint.planning.queue.Estimate;
import io.stillpoint.planning.queue.Forecast;
import io.stillpoint.planning.queue.LimitsByTime;
import io.stillpoint.planning.queue.Plan;
import io.stillpoint.planning.queue.Transfer;
import io.stillpoint.planning.queue.TransferLimits;
import io.stillpoint.planning.queue.TransferQueue;
import io.stillpoint.planning.queue.TransferRules;
import io.stillpoint.platform.Cancellation;
import io.stillpoint.platform.Undisturbed;
import io.stillpoint.service.config.ServiceConfig.Limits;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Supplier;

/// The transfers of this process: which run, and which wait for their turn. Safe for many threads; its lock is held while
/// the queue is asked, and never while the hypervisor or the database is.
public final class Turns {
    /// How long a waiter sleeps at most before it looks for itself: clocks leap.
    private static final Duration LOOK_AGAIN = Duration.ofSeconds(20);

    private final TransferQueue queue;
    private final InstantSource clock;
    private final Map<String, Entry> waiting = new LinkedHashMap<>();
    private final Map<String, Entry> running = new LinkedHashMap<>();
    private Map<String, Forecast> forecasts = Map.of();

    /// @param rules as they are now
    private record Entry(
            Transfer transfer,
            Listener listener,
            Supplier<OptionalLong> scratch,
            AtomicReference<TransferRules> rules) {
        /// By the rules as they are now.
        Transfer waiting() {
            return new Transfer(
                    transfer.id(),
                    transfer.route(),
                    transfer.deadline(),
                    transfer.estimate(),
                    rules.get());
        }

        /// With what is left of it by now.
        Transfer now() {
            return new Transfer(
                    transfer.id(),
                    transfer.route(),
                    transfer.deadline(),
                    listener.left(transfer.estimate()),
                    rules.get());
        }
    }

    public Turns(Limits limits, InstantSource clock) {
        queue =
                new TransferQueue(
                        new TransferLimits(
                                LimitsByTime.always(limits.transfers()),
                                TransferLimits.Each.of(LimitsByTime.always(limits.perHost())),
                                TransferLimits.Each.of(LimitsByTime.always(limits.perVault()))));
        this.clock = clock;
    }

    /// Is told when a job begins to wait, and when its transfer begins.
    interface Listener {
        void waits(String why);

        /// Also without a wait.
        void begins();

        /// The rules of the job's policy as they are now; empty if they can't be told.
        default Optional<TransferRules> rules() {
            return Optional.empty();
        }

        /// What is left of a transfer that runs. Asked while others wait for the answer.
        ///
        /// @param first what was expected when it began
        Estimate left(Estimate first);
    }

    /// The turn of one transfer, whatever the engine calls its job.
    TransferTurn of(Transfer transfer, Listener listener) {
        return (_, cancellation, scratch) ->
                await(
                        new Entry(
                                transfer,
                                listener,
                                scratch,
                                new AtomicReference<>(transfer.rules())),
                        cancellation);
    }

    private TransferTurn.Transfer await(Entry entry, Cancellation cancellation) {
        Transfer transfer = entry.transfer();
        boolean done = false;
        try (Cancellation.Scope _ = cancellation.atRequest(this::wake)) {
            enter(entry).ifPresent(entry.listener()::waits);
            awaitTurn(transfer, cancellation);
            entry.listener().begins();
            done = true;
        } finally {
            if (!done) {
                leave(transfer.id());
            }
        }
        Pace pace = new Pace(() -> entry.rules().get().bandwidth(), clock, cancellation);
        return new TransferTurn.Transfer() {
            @Override
            public void read(long bytes) {
                pace.pass(bytes);
            }

            @Override
            public void close() {
                leave(transfer.id());
            }
        };
    }

    /// Why it has to wait; empty if it has begun.
    private synchronized Optional<String> enter(Entry entry) {
        String id = entry.transfer().id();
        waiting.put(id, entry);
        settle();
        if (running.containsKey(id)) {
            return Optional.empty();
        }
        Forecast forecast = forecasts.get(id);
        return Optional.of(forecast == null ? "" : forecast.waitsFor().toString());
    }

    private synchronized void awaitTurn(Transfer transfer, Cancellation cancellation) {
        while (!running.containsKey(transfer.id())) {
            cancellation.check();
            pause();
            settle();
        }
    }

    /// The lock is given up meanwhile. Whoever interrupts has to ask for the job's end, too.
    private void pause() {
        boolean _ =
                Undisturbed.await(() -> {
                    TimeUnit.NANOSECONDS.timedWait(this, LOOK_AGAIN.toNanos());
                    return true;
                });
    }

    private synchronized void wake() {
        notifyAll();
    }

    private synchronized void leave(String id) {
        waiting.remove(id);
        running.remove(id);
        settle();
    }

    /// Looks anew at what can begin and when what runs will end.
    public void look() {
        // Not under the lock: the database is asked.
        entries().forEach(each -> each.listener().rules().ifPresent(each.rules()::set));
        synchronized (this) {
            if (!waiting.isEmpty() || !running.isEmpty()) {
                settle();
            }
        }
    }

    private synchronized List<Entry> entries() {
        List<Entry> all = new ArrayList<>(waiting.values());
        all.addAll(running.values());
        return all;
    }

    /// When a transfer would end if it came now.
    synchronized Instant end(Transfer transfer) {
        List<Transfer> all = waiting();
        all.add(transfer);
        return plan(all).forecasts().stream()
                .filter(each -> each.transfer().id().equals(transfer.id()))
                .findFirst()
                .map(Forecast::end)
                .orElse(Instant.MAX);
    }

    private List<Transfer> waiting() {
        List<Transfer> all = new ArrayList<>();
        waiting.values().forEach(each -> all.add(each.waiting()));
        return all;
    }

    private Plan plan(List<Transfer> those) {
        return queue.plan(
                clock.instant(), those, running.values().stream().map(Entry::now).toList());
    }

    private void settle() {
        Plan plan = plan(waiting());
        for (Transfer each : plan.begin()) {
            Entry begun = waiting.remove(each.id());
            if (begun != null) {
                running.put(each.id(), begun);
            }
        }
        Map<String, Forecast> told = new LinkedHashMap<>();
        plan.forecasts().forEach(each -> told.put(each.transfer().id(), each));
        forecasts = told;
        if (!plan.begin().isEmpty()) {
            notifyAll();
        }
    }

    /// How much scratch space the snapshot of a transfer that waits or runs has taken by now. Asks the hypervisor.
    public OptionalLong scratch(String id) {
        return entry(id).map(each -> each.scratch().get()).orElseGet(OptionalLong::empty);
    }

    private synchronized Optional<Entry> entry(String id) {
        return Optional.ofNullable(waiting.get(id)).or(() -> Optional.ofNullable(running.get(id)));
    }

    /// What becomes of a transfer that waits or runs.
    public synchronized Optional<Forecast> forecast(String id) {
        return Optional.ofNullable(forecasts.get(id));
    }
}
