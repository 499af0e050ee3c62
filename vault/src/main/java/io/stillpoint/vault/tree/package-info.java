/// The block tree of a disk (section 6 of the format): nodes, walking, and rewriting only the paths that changed.
@NullMarked
package io.stillpoint.vault.tree;

import org.jspecify.annotations.NullMarked;
