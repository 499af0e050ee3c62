package io.stillpoint.guest.quiesce;

/// What is known of how the guest's applications prepared for the snapshot.
public enum Applications {
    /// Nobody asked them.
    NONE,
    /// All asked did what was asked: each script, each VSS writer.
    WELL,
    /// One did not.
    FAILED,
    /// One did not, and the guest's owner wants no backup then.
    FATAL,
    /// They were asked, and nothing tells how they fared.
    UNKNOWN
}
