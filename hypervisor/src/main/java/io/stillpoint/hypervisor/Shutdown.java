package io.stillpoint.hypervisor;

/// What the disks of a VM that is off tell about its end.
///
/// @param detail why, for people: which disk, which file system; empty if the end was clean
public record Shutdown(State state, String detail) {
    /// Each is a fact of all disks together: the worst of any.
    public enum State {
        /// Every file system says that it was unmounted, or there is none and no data.
        CLEAN,
        /// Some hold data that nothing is known of.
        UNKNOWN,
        /// Some file system or image says that it was in use at the end.
        UNCLEAN
    }

    public static final Shutdown CLEAN = new Shutdown(State.CLEAN, "");

    public static Shutdown unknown(String detail) {
        return new Shutdown(State.UNKNOWN, detail);
    }

    public static Shutdown unclean(String detail) {
        return new Shutdown(State.UNCLEAN, detail);
    }

    /// The worse of the two, the first if they are alike.
    public Shutdown and(Shutdown other) {
        return other.state.compareTo(state) > 0 ? other : this;
    }
}
