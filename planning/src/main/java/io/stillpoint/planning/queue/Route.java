package io.stillpoint.planning.queue;

/// From where a transfer comes, and where it goes: what its limits are looked up by.
///
/// @param host name of the host that runs the VM
/// @param store name of the store that keeps the vault
public record Route(String host, String store) {}
