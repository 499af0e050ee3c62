/// Reading what a vault holds: nodes, chunks, whole disks. [Contents][io.stillpoint.vault.read.Contents] is what all readers share.
@NullMarked
package io.stillpoint.vault.read;

import org.jspecify.annotations.NullMarked;
