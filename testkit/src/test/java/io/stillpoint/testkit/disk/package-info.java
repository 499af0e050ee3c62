@NullMarked
package io.stillpoint.testkit.disk;

import org.jspecify.annotations.NullMarked;
