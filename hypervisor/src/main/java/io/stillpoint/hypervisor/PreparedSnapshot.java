package io.stillpoint.hypervisor;

/// Everything is ready for the instant. Either [#take] or [#close] ends it; closing after taking does
/// nothing.
public interface PreparedSnapshot extends AutoCloseable {
    /// Holds all disks as of one instant, in milliseconds. On failure everything prepared is undone.
    HeldSnapshot take();

    /// Undoes the preparation, unless the snapshot was taken.
    @Override
    void close();
}
