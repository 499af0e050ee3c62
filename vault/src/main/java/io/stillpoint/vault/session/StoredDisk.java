package io.stillpoint.vault.session;

import io.stillpoint.vault.point.DiskImage;

/// What came of storing a disk.
///
/// @param changedBytes how much differs from the image before, in whole chunks
/// @param readBytes how much was read
/// @param newBytes how much the vault did not have, before compression
public record StoredDisk(
        String name, DiskImage image, long changedBytes, long readBytes, long newBytes) {}
