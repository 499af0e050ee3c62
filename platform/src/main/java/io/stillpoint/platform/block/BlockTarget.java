package io.stillpoint.platform.block;

/// A new disk that reads as zeros until written. Safe for use by several threads that write different
/// ranges.
public interface BlockTarget extends AutoCloseable {
    /// The disk's size in bytes.
    long size();

    /// Writes exactly `length` bytes of `from`, from index `at` on, to the disk at `offset`.
    void write(long offset, byte[] from, int at, int length);

    /// Makes everything written so far durable.
    void flush();

    /// Gives up the target. What was not flushed may be lost.
    @Override
    void close();
}
