/// What all parts of the service are given to work with.
@NullMarked
package io.stillpoint.service.base;

import org.jspecify.annotations.NullMarked;
