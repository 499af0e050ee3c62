package io.stillpoint.service.vaults;

import io.stillpoint.platform.FailureKind;
import io.stillpoint.platform.StillpointException;
import java.util.Collection;
import java.util.List;

/// The configuration has no such vault.
public final class VaultsException extends StillpointException {
    private static final long serialVersionUID = 1L;

    /// There is one only.
    public enum Kind implements FailureKind {
        UNKNOWN;

        @Override
        public boolean retryable() {
            return false;
        }

        @Override
        public Blame blame() {
            return Blame.USER;
        }
    }

    private VaultsException(String code, Object... arguments) {
        super(VaultsException.class, Kind.UNKNOWN, code, null, List.of(arguments));
    }

    static VaultsException unknown(String name, Collection<String> known) {
        return new VaultsException("vaults.unknown", name, String.join(", ", known));
    }
}
