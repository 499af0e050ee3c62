package io.stillpoint.simulation.job;

import io.stillpoint.hypervisor.HypervisorException;
import io.stillpoint.platform.Threads;
import io.stillpoint.testkit.disk.Fault;
import io.stillpoint.testkit.disk.FaultyDisk;
import io.stillpoint.testkit.disk.Operation;
import io.stillpoint.testkit.fake.CallGate;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;

/// A process of the host, from its begin to its end. All that it asks of the VM, of the guest and of its journal passes
/// here; what it asks of the vault goes to the disk.
final class JobProcess implements CallGate, Threads {
    /// What can fail with the words of a hypervisor. The rest must not fail at all, or fails as guests do.
    private static final Set<String> CAN_FAIL =
            Set.of(
                    "open",
                    "running",
                    "fit",
                    "identity",
                    "configuration",
                    "prepare",
                    "take",
                    "disks",
                    "descriptor",
                    "changes",
                    "open-disk",
                    "extents",
                    "read",
                    "prove",
                    "adopt",
                    "release");

    private final FaultyDisk disk;
    private final Fate fate;
    private final Runnable clock;
    private final Runnable hostEvent;
    private final List<Thread> threads = new CopyOnWriteArrayList<>();
    private Runnable suspension = () -> {};
    private int calls;
    private boolean isOver;
    private boolean hasStruck;

    /// @param clock goes on with each call
    /// @param hostEvent what happens to the VM if that is its fate
    JobProcess(FaultyDisk disk, Fate fate, Runnable clock, Runnable hostEvent) {
        this.disk = disk;
        this.fate = fate;
        this.clock = clock;
        this.hostEvent = hostEvent;
        // A fault that an earlier process did not live to see is none of this one.
        disk.heal();
        if (fate instanceof Fate.EndsAtDisk end) {
            disk.stopAt(Operation.CHANGES, end.change());
        } else if (fate instanceof Fate.DiskFails failing) {
            disk.fail(Operation.CHANGES, failing.change(), Fault.IO_ERROR, false);
        }
    }

    FaultyDisk disk() {
        return disk;
    }

    Fate fate() {
        return fate;
    }

    /// What suspends its job if that is its fate.
    synchronized void suspendBy(Runnable suspend) {
        suspension = suspend;
    }

    synchronized int calls() {
        return calls;
    }

    /// Whether it was ended, whatever it returned.
    synchronized boolean isOver() {
        return isOver || disk.isStopped();
    }

    /// Whether something happened to it, other than its end.
    synchronized boolean hasStruck() {
        return hasStruck || disk.hasStruck();
    }

    @Override
    public Thread working(String name, Runnable task) {
        return noted(Threads.ofProcess().working(name, task));
    }

    @Override
    public Thread waiting(String name, Runnable task) {
        return noted(Threads.ofProcess().waiting(name, task));
    }

    private Thread noted(Thread thread) {
        threads.removeIf(each -> each.getState() == Thread.State.TERMINATED);
        threads.add(thread);
        return thread;
    }

    /// What the system does with the threads of a process that has ended: none of them waits any more, and what they knew
    /// is gone.
    void endThreads() {
        threads.forEach(Thread::interrupt);
        threads.clear();
    }

    @Override
    public synchronized void pass(String call) {
        if (isOver()) {
            isOver = true;
            throw new ProcessEnded();
        }
        calls++;
        clock.run();
        switch (fate) {
            case Fate.Ends(int number, boolean _) when number == calls -> {
                isOver = true;
                disk.stopAt(Set.of(Operation.values()), 1);
                throw new ProcessEnded();
            }
            case Fate.Fails(int number) when number <= calls && !hasStruck -> {
                if (CAN_FAIL.contains(call)) {
                    hasStruck = true;
                    throw new HypervisorException(
                            HypervisorException.Kind.REFUSED,
                            "qmp.refused",
                            null,
                            "fake",
                            call,
                            "GenericError",
                            "fate");
                }
            }
            case Fate.Host(int number, Fate.Event _) when number == calls -> {
                hasStruck = true;
                hostEvent.run();
            }
            case Fate.Suspends(int number) when number == calls -> {
                hasStruck = true;
                suspension.run();
            }
            default -> {}
        }
    }
}
