package io.stillpoint.engine;

import io.stillpoint.hypervisor.HeldSnapshot;
import java.time.Instant;

/// A snapshot and its instant.
record TakenSnapshot(HeldSnapshot snapshot, Instant at) {}
