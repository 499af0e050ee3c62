package io.stillpoint.service;

import com.github.kagkarlsson.scheduler.task.CompletionHandler;
import com.github.kagkarlsson.scheduler.task.DeadExecutionHandler;
import com.github.kagkarlsson.scheduler.task.ExecutionComplete;
import com.github.kagkarlsson.scheduler.task.ExecutionOperations;
import com.github.kagkarlsson.scheduler.task.TaskInstance;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Supplier;

/// Takes over rows of the scheduler whose server has died: nobody has renewed their heartbeat. While the database was away
/// nobody could, so that all rows look so once it is back: what this process works on is no dead row, and the others are
/// given time. Safe for many threads.
final class DeadRows implements DeadExecutionHandler<Void> {
    private final DeadExecutionHandler<Void> revive = new ReviveDeadExecution<>();
    private final Set<String> ours = ConcurrentHashMap.newKeySet();
    private final Duration grace;
    private volatile long awayUntil = System.nanoTime() - 1;

    /// @param grace how long after the database was away each living server has renewed its heartbeats
    DeadRows(Duration grace) {
        this.grace = grace;
    }

    /// Runs what is due for a row.
    CompletionHandler<Void> work(TaskInstance<Void> row, Supplier<CompletionHandler<Void>> work) {
        String name = name(row);
        ours.add(name);
        try {
            return work.get();
        } finally {
            ours.remove(name);
        }
    }

    /// The database did not answer just now.
    void databaseIsAway() {
        awayUntil = System.nanoTime() + grace.toNanos();
    }

    @Override
    public void deadExecution(ExecutionComplete found, ExecutionOperations<Void> operations) {
        boolean isAlive =
                ours.contains(name(found.getExecution().taskInstance))
                        || System.nanoTime() - awayUntil < 0;
        if (!isAlive) {
            revive.deadExecution(found, operations);
        }
    }

    private static String name(TaskInstance<?> row) {
        return row.getTaskName() + "/" + row.getId();
    }
}
