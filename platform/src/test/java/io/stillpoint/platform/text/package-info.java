@NullMarked
package io.stillpoint.platform.text;

import org.jspecify.annotations.NullMarked;
