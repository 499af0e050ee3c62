package io.stillpoint.cli;

import io.stillpoint.engine.VaultPin;
import io.stillpoint.engine.VaultPin.Finding;
import io.stillpoint.vault.Vault;
import java.nio.file.Path;
import java.util.List;
import picocli.CommandLine.Mixin;

/// What this host has seen of the vault before (`docs/state.md`).
final class PinOptions {
    @Mixin private StateOptions state = new StateOptions();

    StateOptions state() {
        return state;
    }

    VaultPin pin(VaultOptions options, Vault vault) {
        return new VaultPin(state.folder(), place(options, vault));
    }

    /// One text for one place, however it is written.
    private static String place(VaultOptions options, Vault vault) {
        if (options.location().isRemote()) {
            return vault.location();
        }
        return VaultPin.place(Path.of(vault.location()));
    }

    /// As warnings.
    static void tell(List<Finding> findings, Output output) {
        findings.forEach(finding -> output.warning(finding.code(), finding.text()));
    }

    static boolean isAlarm(List<Finding> findings) {
        return findings.stream().anyMatch(Finding::isAlarm);
    }
}
