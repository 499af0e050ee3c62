@NullMarked
package io.stillpoint.platform.console;

import org.jspecify.annotations.NullMarked;
