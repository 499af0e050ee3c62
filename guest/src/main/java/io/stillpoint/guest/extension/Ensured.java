package io.stillpoint.guest.extension;

import io.stillpoint.platform.text.Text;
import java.util.List;

/// What came of making sure that a guest has its extension.
public sealed interface Ensured {
    /// What was done for it.
    enum Done {
        NOTHING,
        INSTALLED,
        UPDATED,
        REINSTALLED
    }

    /// It is there and works.
    ///
    /// @param warnings what the operator should know all the same, such as a reboot that is due; for people
    record Ready(InstalledExtension extension, Done done, List<Text> warnings) implements Ensured {
        public Ready {
            warnings = List.copyOf(warnings);
        }
    }

    /// The guest can't have it, for now or for good.
    ///
    /// @param code stable: `extension.…` or `guest.…`, a key of the package's messages
    /// @param text the reason and what to do, for people
    record Unavailable(String code, Text text) implements Ensured {}
}
