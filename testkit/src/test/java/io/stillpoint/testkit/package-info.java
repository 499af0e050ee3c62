@NullMarked
package io.stillpoint.testkit;

import org.jspecify.annotations.NullMarked;
