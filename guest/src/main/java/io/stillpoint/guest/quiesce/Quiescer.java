package io.stillpoint.guest.quiesce;

/// One way to bring a guest to rest, for one snapshot: [#begin], the instant, [#end].
///
/// Neither throws a [GuestException][io.stillpoint.guest.GuestException]: what fails is told by [#end]. The caller's
/// thread may be interrupted; what was begun is ended all the same.
public interface Quiescer {
    /// Brings the guest to rest, which may take minutes, and returns whether it is: then the snapshot is to be taken at
    /// once, for the guest ends its rest by itself at a deadline. If not, [#end] tells why.
    ///
    /// Throws `CancelledException` when the job is cancelled; then too [#end] must be called.
    boolean begin();

    /// Ends the rest, proves that it ended, and waits for what the guest has to do after it. To be called exactly once,
    /// whatever [#begin] did.
    ///
    /// @param taken whether a snapshot was taken in between
    Quiescence end(boolean taken);
}
