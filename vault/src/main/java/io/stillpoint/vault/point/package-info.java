/// Recovery points: what they are, their order, their objects in the store, how they are listed and forgotten. The central type is
/// [Points][io.stillpoint.vault.point.Points].
@NullMarked
package io.stillpoint.vault.point;

import org.jspecify.annotations.NullMarked;
