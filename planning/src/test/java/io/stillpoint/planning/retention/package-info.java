@NullMarked
package io.stillpoint.planning.retention;

import org.jspecify.annotations.NullMarked;
