/// What a person should look at.
@NullMarked
package io.stillpoint.service.watch;

import org.jspecify.annotations.NullMarked;
