package io.stillpoint.testkit.fake;

/// What a process asks of a fake passes here first. A test makes the process end here, or the call fail.
@FunctionalInterface
public interface CallGate {
    /// Everything passes.
    CallGate OPEN = _ -> {};

    /// Returns if the call is to have its effect. Throws if it is to fail, or if the process has ended: then for this
    /// call and for all after it, since who has ended tidies up no more.
    ///
    /// @param call what is asked, as `take`, `read` or `guest-exec`
    void pass(String call);
}
