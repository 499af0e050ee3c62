package io.stillpoint.guest.quiesce;

/// Whether the guest's file systems were at rest.
public enum Rest {
    /// From before the instant until we ended it.
    HELD,
    /// There is none that can be brought to rest.
    EMPTY,
    /// The guest's owner does not want it.
    WAIVED,
    /// It did not come to rest.
    FAILED,
    /// It came to rest but did not stay so, or nothing proves that it did.
    LOST
}
