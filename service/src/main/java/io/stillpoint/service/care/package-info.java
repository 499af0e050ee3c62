/// What keeps the vaults in order by itself: retention, prune, verification (`docs/service.md`, "Care of the vaults").
@NullMarked
package io.stillpoint.service.care;

import org.jspecify.annotations.NullMarked;
