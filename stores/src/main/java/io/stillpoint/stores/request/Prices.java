package io.stillpoint.stores.request;

/// What a store charges. The unit of money is the user's.
///
/// @param thousandPuts for 1,000 requests that write or list
/// @param thousandGets for 1,000 requests that read
/// @param gigabyteOut for 10^9 bytes that leave the store
/// @param gigabyteMonth for keeping 10^9 bytes for a month
/// @param currency a word behind each amount
public record Prices(
        double thousandPuts,
        double thousandGets,
        double gigabyteOut,
        double gigabyteMonth,
        String currency) {
    /// AWS S3 Standard in us-east-1, lowest tiers, as published until November 2026; deleting is free.
    public static final Prices S3_STANDARD_US_EAST_1 =
            new Prices(0.005, 0.0004, 0.09, 0.023, "USD");

    /// A store that costs nothing by use.
    public static final Prices NONE = new Prices(0, 0, 0, 0, "USD");

    public Prices {
        if (!(thousandPuts >= 0 && thousandGets >= 0 && gigabyteOut >= 0 && gigabyteMonth >= 0)) {
            throw new IllegalArgumentException("negative price");
        }
    }
}
