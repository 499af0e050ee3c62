package io.stillpoint.stores.request;

/// How much may be asked of a store.
///
/// @param requests of all classes
/// @param bytes up and down together
/// @param money in the currency of the prices
public record Budget(long requests, long bytes, double money) {
    public static final Budget UNLIMITED =
            new Budget(Long.MAX_VALUE, Long.MAX_VALUE, Double.POSITIVE_INFINITY);

    public static Budget ofRequests(long requests) {
        return new Budget(requests, Long.MAX_VALUE, Double.POSITIVE_INFINITY);
    }

    public static Budget ofBytes(long bytes) {
        return new Budget(Long.MAX_VALUE, bytes, Double.POSITIVE_INFINITY);
    }

    public static Budget ofMoney(double money) {
        return new Budget(Long.MAX_VALUE, Long.MAX_VALUE, money);
    }
}
