package io.stillpoint.platform.text;

/// What can be told to people: an exception of ours, a finding. As an argument of another text it stands for its own.
@FunctionalInterface
public interface Worded {
    /// What it says, not yet in any language.
    Text text();
}
