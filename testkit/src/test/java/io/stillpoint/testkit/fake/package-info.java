@NullMarked
package io.stillpoint.testkit.fake;

import org.jspecify.annotations.NullMarked;
