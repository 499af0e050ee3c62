package io.stillpoint.engine;

/// Why a snapshot can't be as consistent as could be.
///
/// @param code stable; empty for [#NONE]
/// @param text for people; empty for [#NONE]
record Shortfall(String code, String text) {
    static final Shortfall NONE = new Shortfall("", "");

    /// The first obstacle is the one that the owner can remove.
    Shortfall or(Shortfall later) {
        return equals(NONE) ? later : this;
    }
}
