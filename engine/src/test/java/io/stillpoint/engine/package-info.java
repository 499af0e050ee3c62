@NullMarked
package io.stillpoint.engine;

import org.jspecify.annotations.NullMarked;
