package io.stillpoint.stores.azure;

import io.stillpoint.stores.request.RetryPolicy;

/// How to speak to the server.
///
/// @param isLocked whether retentions are final, rather than liftable by who has the right to
/// @param blockSize of large objects in bytes
/// @param streams requests at once; half of them may be blocks of uploads, each in memory
public record AzureSettings(boolean isLocked, int blockSize, int streams, RetryPolicy retries) {
    /// A metadata pack takes one request, a data pack three blocks.
    public static final AzureSettings DEFAULT =
            new AzureSettings(true, 12 << 20, 8, RetryPolicy.DEFAULT);

    public AzureSettings {
        if (blockSize < 1 << 20 || streams < 1) {
            throw new IllegalArgumentException("block size " + blockSize + ", streams " + streams);
        }
    }

    public AzureSettings with(RetryPolicy other) {
        return new AzureSettings(isLocked, blockSize, streams, other);
    }

    public AzureSettings withBlockSize(int bytes) {
        return new AzureSettings(isLocked, bytes, streams, retries);
    }
}
