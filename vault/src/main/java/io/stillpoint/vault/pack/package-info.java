/// Frames and packs (section 5 of the format): [PackWriter][io.stillpoint.vault.pack.PackWriter] fills packs from many threads, [FrameReader][io.stillpoint.vault.pack.FrameReader] reads single frames.
@NullMarked
package io.stillpoint.vault.pack;

import org.jspecify.annotations.NullMarked;
