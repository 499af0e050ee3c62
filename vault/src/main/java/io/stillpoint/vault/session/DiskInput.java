package io.stillpoint.vault.session;

import io.stillpoint.platform.block.BlockSource;

/// A disk to be stored.
///
/// @param name of the disk, unique in the call
/// @param source closed by the caller
public record DiskInput(String name, BlockSource source, Scan scan) {}
