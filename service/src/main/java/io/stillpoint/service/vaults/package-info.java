/// The vaults of the configuration, open as long as the service runs.
@NullMarked
package io.stillpoint.service.vaults;

import org.jspecify.annotations.NullMarked;
