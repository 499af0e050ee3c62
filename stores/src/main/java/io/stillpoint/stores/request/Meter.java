package io.stillpoint.stores.request;

import io.stillpoint.platform.ByteSize;
import io.stillpoint.platform.Cancellation;
import io.stillpoint.vault.store.VaultException;
import io.stillpoint.vault.store.VaultException.Kind;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/// Counts what is asked of a store and stops when a budget is used up. [io.stillpoint.stores.s3.S3Store] tells it each
/// request really sent, retries and parts included; for stores that know no requests there is [CountedStore]. Safe for
/// use by many threads.
///
/// One store serves many jobs. Each may have a meter of its own in the store's, see [#ofJob].
public final class Meter {
    /// Whose requests a thread sends. Inherited, since a job's threads are started by the job.
    private static final InheritableThreadLocal<@Nullable Meter> JOB =
            new InheritableThreadLocal<>();

    private final Prices prices;
    private final Budget budget;

    /// The store's; null if this is it.
    private final @Nullable Meter whole;

    private final AtomicLong puts = new AtomicLong();
    private final AtomicLong gets = new AtomicLong();
    private final AtomicLong deletes = new AtomicLong();
    private final AtomicLong up = new AtomicLong();
    private final AtomicLong down = new AtomicLong();

    public Meter(Prices prices, Budget budget) {
        this(prices, budget, null);
    }

    private Meter(Prices prices, Budget budget, @Nullable Meter whole) {
        this.prices = prices;
        this.budget = budget;
        this.whole = whole;
    }

    /// Counts without a limit.
    public static Meter unlimited(Prices prices) {
        return new Meter(prices, Budget.UNLIMITED);
    }

    /// That of a job, within this one: what the job asks of the store counts for both, and is refused if either budget is
    /// used up. An answer that several jobs wait for counts for the one that asks.
    public Meter ofJob(Budget budgetOfJob) {
        return new Meter(prices, budgetOfJob, this);
    }

    /// From now on until the scope is closed this thread works for the job, and so do threads that it starts meanwhile, to
    /// their end. To be closed by the same thread.
    public Cancellation.Scope begin() {
        Meter before = JOB.get();
        JOB.set(this);
        return () -> JOB.set(before);
    }

    /// The meter of the job that this thread works for, if it has one in this store's.
    private @Nullable Meter job() {
        Meter job = JOB.get();
        return job != null && job.whole == this ? job : null;
    }

    public Prices prices() {
        return prices;
    }

    public StoreUsage usage() {
        return new StoreUsage(puts.get(), gets.get(), deletes.get(), up.get(), down.get());
    }

    /// Counts a request that is about to be sent. Throws kind `BUDGET`, and counts nothing, if the budget is used up.
    public void request(RequestClass kind, long bytesUp) {
        check();
        Meter job = job();
        if (job != null) {
            job.check();
            job.count(kind, bytesUp);
        }
        count(kind, bytesUp);
    }

    private void count(RequestClass kind, long bytesUp) {
        switch (kind) {
            case PUT -> puts.incrementAndGet();
            case GET -> gets.incrementAndGet();
            case DELETE -> deletes.incrementAndGet();
        }
        up.addAndGet(bytesUp);
    }

    /// Counts content that came.
    public void received(long bytesDown) {
        Meter job = job();
        if (job != null) {
            job.down.addAndGet(bytesDown);
        }
        down.addAndGet(bytesDown);
    }

    private void check() {
        if (budget.equals(Budget.UNLIMITED)) {
            return;
        }
        StoreUsage usage = usage();
        if (usage.requests() >= budget.requests()) {
            throw used(Long.toString(budget.requests()) + " requests", usage);
        }
        if (usage.bytesUp() + usage.bytesDown() >= budget.bytes()) {
            throw used(new ByteSize(budget.bytes()).toString(), usage);
        }
        if (usage.cost(prices) >= budget.money()) {
            throw used(StoreUsage.money(budget.money()) + " " + prices.currency(), usage);
        }
    }

    private VaultException used(String limit, StoreUsage usage) {
        return new VaultException(
                Meter.class, Kind.BUDGET, "stores.budget", null, limit, usage.line(prices));
    }
}
