@NullMarked
package io.stillpoint.demo;

import org.jspecify.annotations.NullMarked;
