package io.stillpoint.stores.request;

import io.stillpoint.platform.ByteSize;
import io.stillpoint.vault.store.VaultException;
import io.stillpoint.vault.store.VaultException.Kind;
import java.util.concurrent.atomic.AtomicLong;

/// Counts what is asked of a store and stops when a budget is used up. [io.stillpoint.stores.s3.S3Store] tells it each
/// request really sent, retries and parts included; for stores that know no requests there is [CountedStore]. Safe for
/// use by many threads.
public final class Meter {
    private final Prices prices;
    private final Budget budget;
    private final AtomicLong puts = new AtomicLong();
    private final AtomicLong gets = new AtomicLong();
    private final AtomicLong deletes = new AtomicLong();
    private final AtomicLong up = new AtomicLong();
    private final AtomicLong down = new AtomicLong();

    public Meter(Prices prices, Budget budget) {
        this.prices = prices;
        this.budget = budget;
    }

    /// Counts without a limit.
    public static Meter unlimited(Prices prices) {
        return new Meter(prices, Budget.UNLIMITED);
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
        switch (kind) {
            case PUT -> puts.incrementAndGet();
            case GET -> gets.incrementAndGet();
            case DELETE -> deletes.incrementAndGet();
        }
        up.addAndGet(bytesUp);
    }

    /// Counts content that came.
    public void received(long bytesDown) {
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
