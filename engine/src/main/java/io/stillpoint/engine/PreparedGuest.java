package io.stillpoint.engine;

import io.stillpoint.engine.ConsistencyRules.Machine;
import io.stillpoint.guest.extension.ExtensionKeeper;
import io.stillpoint.guest.extension.InstalledExtension;
import java.util.Optional;

/// The guest is known, and the way is chosen in which it is to be brought to rest. Closing lets go of it.
///
/// @param way to be tried first; one of `ways`
/// @param shortfall why there is no better way
record PreparedGuest(
        Machine machine,
        Way way,
        GuestWays ways,
        Optional<FoundExtension> extension,
        Shortfall shortfall)
        implements AutoCloseable {
    /// The extension that is in the guest, and who keeps it.
    ///
    /// @param isVss whether it speaks with VSS
    record FoundExtension(InstalledExtension extension, ExtensionKeeper keeper, boolean isVss) {
        String version() {
            return extension.type().id() + " " + extension.version();
        }
    }

    PreparedGuest {
        if (!ways.offer(way)) {
            throw new IllegalArgumentException("no way " + way);
        }
    }

    /// Nothing is asked of the guest.
    static PreparedGuest alone(Machine machine, Shortfall shortfall) {
        return new PreparedGuest(machine, Way.NOTHING, GuestWays.NONE, Optional.empty(), shortfall);
    }

    @Override
    public void close() {
        ways.close();
    }
}
