/// Snapshots that stay in their VMs after their points were made (`docs/local-snapshots.md`).
@NullMarked
package io.stillpoint.service.local;

import org.jspecify.annotations.NullMarked;
