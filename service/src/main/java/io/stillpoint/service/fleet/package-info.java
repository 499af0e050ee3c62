/// The hosts of the configuration and their VMs: which there are, and which policy has which.
@NullMarked
package io.stillpoint.service.fleet;

import org.jspecify.annotations.NullMarked;
