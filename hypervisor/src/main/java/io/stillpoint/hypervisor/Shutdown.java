package io.stillpoint.hypervisor;

import io.stillpoint.platform.text.Text;

/// What the disks of a VM that is off tell about its end.
///
/// @param detail why, for people: which disk, which file system; empty if the end was clean
public record Shutdown(State state, Text detail) {
    /// Each is a fact of all disks together: the worst of any.
    public enum State {
        /// Every file system says that it was unmounted, or there is none and no data.
        CLEAN,
        /// Some hold data that nothing is known of.
        UNKNOWN,
        /// Some file system or image says that it was in use at the end.
        UNCLEAN
    }

    public static final Shutdown CLEAN = new Shutdown(State.CLEAN, Text.EMPTY);

    public static Shutdown unknown(Text detail) {
        return new Shutdown(State.UNKNOWN, detail);
    }

    public static Shutdown unclean(Text detail) {
        return new Shutdown(State.UNCLEAN, detail);
    }

    /// The worse of the two, the first if they are alike.
    public Shutdown and(Shutdown other) {
        return other.state.compareTo(state) > 0 ? other : this;
    }
}
