/// One VM's job, from the slot that it is due for to its end, whatever dies meanwhile (`docs/service.md`).
@NullMarked
package io.stillpoint.service.job;

import org.jspecify.annotations.NullMarked;
