package io.stillpoint.vault.session;

/// Is told how far disks have been stored. Called by many threads, one at a time for each disk.
@FunctionalInterface
public interface IntakeProgress {
    /// @param disk its name
    /// @param position all before this byte of the disk is done
    void reached(String disk, long position);

    /// So many more bytes of a disk were really read: holes, and what is known to be unchanged, are passed.
    default void read(String disk, long bytes) {}
}
