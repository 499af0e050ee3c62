package io.stillpoint.service.job;

import io.stillpoint.engine.JobEvent;
import io.stillpoint.engine.JobEvents;
import io.stillpoint.engine.Step;
import io.stillpoint.platform.StillpointException;
import io.stillpoint.platform.Undisturbed;
import io.stillpoint.platform.text.Text;
import io.stillpoint.service.base.Tools;
import io.stillpoint.service.database.JobState;
import io.stillpoint.service.database.Jobs;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/// Writes down what jobs tell, on a thread of its own: a job must not wait for the database. What can't be written is in the
/// log all the same.
public final class Teller implements AutoCloseable {
    private static final int WAITING_MAX = 10_000;
    private static final int READ = 0;
    private static final int SCRATCH = 1;

    private final Jobs jobs;
    private final Tools tools;
    private final BlockingQueue<Runnable> writes = new LinkedBlockingQueue<>(WAITING_MAX);
    private final Map<String, Progress> progresses = new ConcurrentHashMap<>();
    private final Thread writer;
    private volatile boolean closed;

    /// How far a job's transfer is.
    ///
    /// @param done bytes of all its disks
    /// @param total bytes of all its disks
    /// @param read bytes that were really read
    /// @param scratch that the guest's writes had taken when the snapshot was released; 0 before that
    public record Progress(long done, long total, long read, long scratch) {
        static final Progress NONE = new Progress(0, 0, 0, 0);
    }

    public Teller(Jobs jobs, Tools tools) {
        this.jobs = jobs;
        this.tools = tools;
        writer = tools.process().threads().waiting("job-events", this::write);
        writer.start();
    }

    /// What the engine's job tells, under the name of the service's.
    ///
    /// @param shown what people call the job's VM
    JobEvents of(String job, String shown) {
        Map<String, JobEvent.Progressed> disks = new LinkedHashMap<>();
        long[] sums = new long[SCRATCH + 1];
        return event -> {
            switch (event) {
                case JobEvent.StepBegan step ->
                        tell(job, shown, "step", step.step().word(), step.text());
                case JobEvent.Warned warned ->
                        tell(job, shown, "warning", warned.code(), warned.text());
                case JobEvent.Noted noted -> tell(job, shown, "note", noted.code(), noted.text());
                case JobEvent.Progressed progressed -> {
                    if (progressed.step() == Step.STORE) {
                        synchronized (disks) {
                            disks.merge(
                                    progressed.disk(),
                                    progressed,
                                    (a, b) -> a.done() > b.done() ? a : b);
                            progresses.put(job, sum(disks, sums));
                        }
                    }
                }
                case JobEvent.Read bytes -> {
                    synchronized (disks) {
                        sums[READ] += bytes.bytes();
                        progresses.put(job, sum(disks, sums));
                    }
                }
                case JobEvent.ScratchTaken taken -> {
                    synchronized (disks) {
                        sums[SCRATCH] = taken.bytes();
                        progresses.put(job, sum(disks, sums));
                    }
                }
            }
        };
    }

    private static Progress sum(Map<String, JobEvent.Progressed> disks, long[] sums) {
        long done = 0;
        long total = 0;
        for (JobEvent.Progressed each : disks.values()) {
            done += each.done();
            total += each.total();
        }
        return new Progress(done, total, sums[READ], sums[SCRATCH]);
    }

    /// Notes something of a job.
    void tell(String job, String shown, String kind, String code, Text text) {
        String message = text.toString();
        Instant now = tools.clock().instant();
        tools.log().accept(shown + ": " + message);
        later(() -> jobs.tell(job, now, kind, code, message));
    }

    /// Notes that a job waits for its turn, or runs.
    void state(String job, JobState state) {
        later(() -> jobs.state(job, state));
    }

    private void later(Runnable write) {
        boolean _ = writes.offer(write);
    }

    /// Waits until all that was told so far is written, two seconds at most: whoever sees that a job has ended sees all that
    /// it told.
    void settle() {
        CountDownLatch written = new CountDownLatch(1);
        later(written::countDown);
        boolean _ = Undisturbed.await(() -> written.await(2, TimeUnit.SECONDS));
    }

    /// How far the transfer of a job of this process is; nothing if it has not begun.
    public Progress progress(String job) {
        return progresses.getOrDefault(job, Progress.NONE);
    }

    /// The job does nothing more here.
    void forget(String job) {
        progresses.remove(job);
    }

    private void write() {
        try {
            while (!closed || !writes.isEmpty()) {
                Runnable write = writes.take();
                try {
                    write.run();
                } catch (StillpointException e) {
                    // Nobody can read it in the database; the log has it.
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    @Override
    public void close() {
        closed = true;
        // It may wait for something to write.
        later(() -> {});
        Undisturbed.join(writer);
    }
}
