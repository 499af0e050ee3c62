package io.stillpoint.engine;

import io.stillpoint.platform.text.Text;

/// Why a snapshot can't be as consistent as could be.
///
/// @param code stable; empty for [#NONE]
/// @param text for people; empty for [#NONE]
record Shortfall(String code, Text text) {
    static final Shortfall NONE = new Shortfall("", Text.EMPTY);

    static Shortfall of(Text text) {
        return new Shortfall(text.code(), text);
    }

    /// The first obstacle is the one that the owner can remove.
    Shortfall or(Shortfall later) {
        return equals(NONE) ? later : this;
    }
}
