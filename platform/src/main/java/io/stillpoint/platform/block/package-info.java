/// Random-access block devices as the rest sees them: [BlockSource][io.stillpoint.platform.block.BlockSource]
/// is read (a disk image, an NBD export), [BlockTarget][io.stillpoint.platform.block.BlockTarget] is written.
/// Holes are asked for, never read.
@NullMarked
package io.stillpoint.platform.block;

import org.jspecify.annotations.NullMarked;
