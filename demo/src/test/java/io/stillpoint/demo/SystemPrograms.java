package io.stillpoint.demo;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

/// This module's tests can't use the testkit, which depends on it.
final class SystemPrograms {
    private SystemPrograms() {}

    /// Skips with the reason where QEMU is not installed, but fails in CI: there nothing may be skipped.
    static void assumeQemu() {
        boolean present = Programs.of(System.getenv()).find("qemu-system-x86_64").isPresent();
        if ("true".equals(System.getenv("CI"))) {
            assertThat(present).as("qemu-system-x86_64 on the PATH").isTrue();
        }
        assumeTrue(present, "no qemu-system-x86_64 here; install it with: scripts/packages test");
    }
}
