@NullMarked
package io.stillpoint.planning.queue;

import org.jspecify.annotations.NullMarked;
