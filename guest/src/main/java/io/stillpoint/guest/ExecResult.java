package io.stillpoint.guest;

/// How a command in the guest ended.
///
/// @param exitCode as the guest reports it; 128 and the signal's number if a signal ended the command
/// @param out the standard output, at most 16 MiB
/// @param err the standard error, at most 16 MiB
/// @param truncated whether the agent cut one of them off
public record ExecResult(int exitCode, byte[] out, byte[] err, boolean truncated) {}
