/// Measures what the service does beside its jobs.
@NullMarked
package io.stillpoint.benchmark.service;

import org.jspecify.annotations.NullMarked;
