/// Calls into the C library through the Foreign Function and Memory API, one class per concern.
@NullMarked
package io.stillpoint.platform.natives;

import org.jspecify.annotations.NullMarked;
