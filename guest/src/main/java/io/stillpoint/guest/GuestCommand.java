package io.stillpoint.guest;

import java.time.Duration;
import java.util.List;
import java.util.Optional;

/// A program to run in the guest.
///
/// @param path the program; no shell is involved
/// @param environment `NAME=value` each; the agent's own environment when empty
/// @param input what it reads from its standard input
/// @param timeout how long to wait for its end; it is not killed then
public record GuestCommand(
        String path,
        List<String> arguments,
        List<String> environment,
        Optional<String> input,
        Duration timeout) {
    public GuestCommand {
        arguments = List.copyOf(arguments);
        environment = List.copyOf(environment);
    }

    /// A command without environment and input.
    public static GuestCommand of(Duration timeout, String path, String... arguments) {
        return new GuestCommand(path, List.of(arguments), List.of(), Optional.empty(), timeout);
    }
}
