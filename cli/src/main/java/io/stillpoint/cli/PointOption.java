package io.stillpoint.cli;

import io.stillpoint.vault.Vault;
import io.stillpoint.vault.point.RecoveryPoint;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Option;

/// Options that name one recovery point.
final class PointOption {
    @ArgGroup(exclusive = true, multiplicity = "1")
    private Which which = new Which();

    @Option(names = "--vm", paramLabel = "NAME", descriptionKey = "option.point-vm")
    private @Nullable String vm;

    static final class Which {
        @Option(names = "--point", paramLabel = "ID|latest", descriptionKey = "option.point")
        private @Nullable String point;

        /// The only other choice, so that it was made needs no look.
        @SuppressWarnings("UnusedVariable")
        @Option(names = "--latest", descriptionKey = "option.latest")
        private boolean latest;
    }

    RecoveryPoint of(Vault vault) {
        String word = which.point == null ? PointChoice.LATEST : which.point;
        return PointChoice.one(vault, word, vm);
    }
}
