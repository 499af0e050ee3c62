package io.stillpoint.simulation;

import java.lang.reflect.Field;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Deque;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.Executor;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/// Decides who goes on. All threads of all simulated processes run as virtual threads on the one thread that calls [#run], each until it waits: for
/// another one, or, in [#await], for its turn at the store. When all wait, the seed chooses one turn.
final class Turns {
    /// The JVM wakes a thread in microseconds; on a machine whose processors are all taken it may have to wait for one.
    private static final long WAKING_NANOS_MAX = 120_000_000_000L;

    /// For so long nothing else is done but to look; after that the JVM gets our processor.
    private static final long LOOKING_NANOS_MAX = 100_000L;

    private static final long PAUSE_NANOS = 20_000L;
    private static final Method NEW_THREAD = newThread();
    private static final Field SCHEDULER = field("java.lang.VirtualThread", "scheduler");
    private static final Field WAITING_FOR_MONITOR =
            field("java.lang.VirtualThread", "onWaitingList");
    private static final Set<Thread> VIRTUAL_THREADS = virtualThreads();

    // Started by the JVM with the first virtual thread.
    private static final Thread WAKER = waker();

    private final Random random;
    private final double switching;
    private final Thread carrier = Thread.currentThread();

    /// The same object for all threads of this simulation, by which they are known.
    private final Executor scheduler = this::submit;

    private final Deque<Runnable> runnable = new ArrayDeque<>();
    private final List<Runnable> foreign = new ArrayList<>();
    private final IdentityHashMap<Runnable, Integer> order = new IdentityHashMap<>();
    private final List<Waiter> waiters = new ArrayList<>();
    private @Nullable SimulatedProcess holder;
    private Instant now = Instant.parse("2026-01-01T00:00:00Z");

    private static final class Waiter {
        final SimulatedProcess process;
        final Thread thread = Thread.currentThread();
        final Instant notBefore;
        boolean isGranted;

        Waiter(SimulatedProcess process, Instant notBefore) {
            this.process = process;
            this.notBefore = notBefore;
        }
    }

    /// @param switching how likely the turn passes to another process
    Turns(Random random, double switching) {
        this.random = random;
        this.switching = switching;
    }

    /// The JVM has a thread that runs no more, though nothing holds it back: this scheduler missed it. Says nothing about the
    /// vault, and must not happen.
    static final class LostThread extends IllegalStateException {
        private static final long serialVersionUID = 1L;

        LostThread(String threads) {
            super("the simulation lost a thread:\n" + threads);
        }
    }

    private static Method newThread() {
        // Loads the class, with the threads of its own.
        Thread.ofVirtual().unstarted(() -> {});
        try {
            Method method =
                    Class.forName("java.lang.ThreadBuilders")
                            .getDeclaredMethod(
                                    "newVirtualThread",
                                    Executor.class,
                                    String.class,
                                    int.class,
                                    Runnable.class);
            method.setAccessible(true);
            return method;
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException("this JDK schedules threads otherwise", e);
        }
    }

    private static Field field(String type, String name) {
        try {
            Field field = Class.forName(type).getDeclaredField(name);
            field.setAccessible(true);
            return field;
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException("this JDK schedules threads otherwise", e);
        }
    }

    @SuppressWarnings("unchecked")
    private static Set<Thread> virtualThreads() {
        try {
            return (Set<Thread>)
                    Objects.requireNonNull(
                            field(
                                            "jdk.internal.vm.ThreadContainers$RootContainer$TrackingRootContainer",
                                            "VTHREADS")
                                    .get(null));
        } catch (IllegalAccessException e) {
            throw new IllegalStateException(e);
        }
    }

    Instant now() {
        return now;
    }

    void advance(Duration by) {
        now = now.plus(by);
    }

    /// Starts a thread; what it starts runs here too.
    Thread start(String name, Runnable task) {
        try {
            Thread thread =
                    (Thread)
                            Objects.requireNonNull(
                                    NEW_THREAD.invoke(null, scheduler, name, 0, task));
            thread.start();
            return thread;
        } catch (IllegalAccessException | InvocationTargetException e) {
            throw new IllegalStateException(e);
        }
    }

    private void submit(Runnable continuation) {
        if (Thread.currentThread().isVirtual() || Thread.currentThread().equals(carrier)) {
            order.putIfAbsent(continuation, order.size());
            runnable.add(continuation);
        } else {
            // The JVM's own thread, which wakes those that waited for a monitor.
            synchronized (foreign) {
                foreign.add(continuation);
            }
        }
    }

    /// Waits for a turn at the store. To be called by a process's thread.
    ///
    /// @param pause for how long at least
    void await(SimulatedProcess process, Duration pause) {
        Waiter waiter = new Waiter(process, now.plus(pause));
        waiters.add(waiter);
        boolean interrupted = Thread.interrupted();
        while (!waiter.isGranted) {
            LockSupport.park(this);
            // A real store's request does not end by it either.
            interrupted |= Thread.interrupted();
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    /// Runs until no thread can go on any more. Throws if some never end.
    void run() {
        while (true) {
            Runnable next = runnable.poll();
            if (next != null) {
                next.run();
            } else if (!collectForeign() && !grant()) {
                return;
            }
        }
    }

    /// Waits until the JVM has woken everybody whom it is about to wake: it does so for those that waited for a monitor,
    /// by a thread of its own. Returns whether there was anybody.
    private boolean collectForeign() {
        boolean isWakerIdle = false;
        long begin = System.nanoTime();
        while (true) {
            long waited = System.nanoTime() - begin;
            if (waited > WAKING_NANOS_MAX) {
                throw new LostThread(told());
            }
            boolean isBlocked = false;
            boolean isWaking = false;
            int awake = 0;
            for (Thread thread : VIRTUAL_THREADS) {
                // Of an earlier history, whose time has come since, or a stranger's.
                if (!isOurs(thread)) {
                    continue;
                }
                switch (thread.getState()) {
                    case RUNNABLE -> awake++;
                    case BLOCKED -> {
                        isBlocked = true;
                        isWaking |= isBeingWoken(thread);
                    }
                    case NEW, WAITING, TIMED_WAITING, TERMINATED -> {}
                }
            }
            synchronized (foreign) {
                isWaking |= awake != foreign.size();
            }
            if (isWaking) {
                isWakerIdle = false;
                if (waited < LOOKING_NANOS_MAX) {
                    Thread.onSpinWait();
                } else {
                    LockSupport.parkNanos(PAUSE_NANOS);
                }
            } else if (isBlocked && !isWakerIdle) {
                // It may be between taking note of a thread and handing it to us; look again after.
                isWakerIdle = isIdle(WAKER);
            } else {
                break;
            }
        }
        synchronized (foreign) {
            if (foreign.isEmpty()) {
                return false;
            }
            foreign.sort(Comparator.comparing(order::get));
            runnable.addAll(foreign);
            foreign.clear();
            return true;
        }
    }

    private boolean isOurs(Thread thread) {
        try {
            return scheduler.equals(SCHEDULER.get(thread));
        } catch (IllegalAccessException e) {
            throw new IllegalStateException(e);
        }
    }

    /// Our threads, and where those are that could go on.
    private String told() {
        StringBuilder text = new StringBuilder();
        for (Thread thread : VIRTUAL_THREADS) {
            if (isOurs(thread)) {
                text.append(thread).append(' ').append(thread.getState()).append('\n');
                if (thread.getState() == Thread.State.RUNNABLE
                        || thread.getState() == Thread.State.BLOCKED) {
                    for (StackTraceElement frame : thread.getStackTrace()) {
                        text.append("    ").append(frame).append('\n');
                    }
                }
            }
        }
        return text.toString();
    }

    private static boolean isIdle(Thread waker) {
        StackTraceElement[] stack = waker.getStackTrace();
        return stack.length > 0
                && stack[0].getMethodName().equals("takeVirtualThreadListToUnblock");
    }

    private static Thread waker() {
        return Thread.getAllStackTraces().keySet().stream()
                .filter(thread -> thread.getName().equals("VirtualThread-unblocker"))
                .findFirst()
                .orElseThrow();
    }

    private static boolean isBeingWoken(Thread thread) {
        try {
            return WAITING_FOR_MONITOR.getBoolean(thread);
        } catch (IllegalAccessException e) {
            throw new IllegalStateException(e);
        }
    }

    private boolean grant() {
        if (waiters.isEmpty()) {
            return false;
        }
        Waiter chosen = choose();
        if (chosen == null) {
            Instant next = null;
            for (Waiter waiter : waiters) {
                Instant ready = ready(waiter);
                next = next == null || ready.isBefore(next) ? ready : next;
            }
            now = Objects.requireNonNull(next);
            chosen = Objects.requireNonNull(choose());
        }
        now = now.plusMillis(random.nextInt(100) == 0 ? random.nextInt(3000) : random.nextInt(20));
        waiters.remove(chosen);
        holder = chosen.process;
        chosen.isGranted = true;
        LockSupport.unpark(chosen.thread);
        return true;
    }

    private static Instant ready(Waiter waiter) {
        Instant paused = waiter.process.pausedUntil();
        return paused.isAfter(waiter.notBefore) ? paused : waiter.notBefore;
    }

    private @Nullable Waiter choose() {
        List<Waiter> ready = new ArrayList<>();
        List<Waiter> held = new ArrayList<>();
        for (Waiter waiter : waiters) {
            if (waiter.process.isDead()) {
                return waiter;
            }
            if (!ready(waiter).isAfter(now)) {
                ready.add(waiter);
                if (waiter.process.equals(holder)) {
                    held.add(waiter);
                }
            }
        }
        if (!held.isEmpty() && random.nextDouble() >= switching) {
            return held.get(random.nextInt(held.size()));
        }
        return ready.isEmpty() ? null : ready.get(random.nextInt(ready.size()));
    }
}
