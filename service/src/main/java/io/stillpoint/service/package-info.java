/// The process that a user leaves running (`docs/service.md`): it starts each job at its time, brings it to its end within
/// its deadline, whatever dies meanwhile, and takes care of the vaults.
@NullMarked
package io.stillpoint.service;

import org.jspecify.annotations.NullMarked;
