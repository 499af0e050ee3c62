/// The configuration file of the service (`docs/stillpoint.yaml`).
@NullMarked
package io.stillpoint.service.config;

import org.jspecify.annotations.NullMarked;
