/// How commands speak with the service: a unix socket, a request, lines of answers (`docs/service.md`, "The control socket").
@NullMarked
package io.stillpoint.service.control;

import org.jspecify.annotations.NullMarked;
