package io.stillpoint.stores.request;

import io.stillpoint.platform.ByteSize;
import java.util.Locale;

/// What was asked of a store.
///
/// @param puts requests that write or list
/// @param gets requests that read
/// @param deletes requests that delete
/// @param bytesUp content sent
/// @param bytesDown content received
public record StoreUsage(long puts, long gets, long deletes, long bytesUp, long bytesDown) {
    private static final double THOUSAND = 1e3;
    private static final double GIGABYTE = 1e9;

    public long requests() {
        return puts + gets + deletes;
    }

    /// What was sent and received, content alone.
    public long bytes() {
        return bytesUp + bytesDown;
    }

    /// What this cost, without what keeping the bytes costs from now on.
    public double cost(Prices prices) {
        return puts / THOUSAND * prices.thousandPuts()
                + gets / THOUSAND * prices.thousandGets()
                + bytesDown / GIGABYTE * prices.gigabyteOut();
    }

    /// What keeping all that was sent costs each month.
    public double monthly(Prices prices) {
        return bytesUp / GIGABYTE * prices.gigabyteMonth();
    }

    /// One line, such as `12 puts, 3 gets, 40.0 MiB up, 1.00 MiB down: 0.0001 USD`; without the money where nothing
    /// has a price.
    public String line(Prices prices) {
        String line = counts();
        return prices.equals(Prices.NONE)
                ? line
                : line + ": " + money(cost(prices)) + " " + prices.currency();
    }

    private String counts() {
        return String.format(
                Locale.ROOT,
                "%d puts, %d gets%s, %s up, %s down",
                puts,
                gets,
                deletes == 0 ? "" : ", " + deletes + " deletes",
                new ByteSize(bytesUp),
                new ByteSize(bytesDown));
    }

    /// Four digits behind the point, and more for what is less than that.
    static String money(double amount) {
        return amount == 0
                ? "0"
                : String.format(Locale.ROOT, amount < 0.00005 ? "%.7f" : "%.4f", amount);
    }
}
