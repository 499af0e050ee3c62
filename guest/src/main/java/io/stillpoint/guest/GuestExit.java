package io.stillpoint.guest;

/// How a program in the guest ended.
///
/// @param code its exit code; 128 + signal when a signal ended it
/// @param out its standard output as UTF-8
/// @param truncated whether the agent cut off output, as it does at 16 MiB
public record GuestExit(int code, String out, String err, boolean truncated) {
    /// Whether the exit code is 0.
    public boolean isSuccess() {
        return code == 0;
    }
}
