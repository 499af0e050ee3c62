@NullMarked
package io.stillpoint.planning.schedule;

import org.jspecify.annotations.NullMarked;
