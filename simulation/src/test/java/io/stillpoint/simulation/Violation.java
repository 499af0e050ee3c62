package io.stillpoint.simulation;

import org.jspecify.annotations.Nullable;

/// Something that must always hold did not.
final class Violation extends AssertionError {
    private static final long serialVersionUID = 1L;

    Violation(String what) {
        this(what, null);
    }

    Violation(String what, @Nullable Throwable cause) {
        super(what, cause);
    }
}
