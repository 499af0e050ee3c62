package io.stillpoint.hypervisor.qemu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stillpoint.hypervisor.HypervisorException;
import io.stillpoint.hypervisor.HypervisorException.Kind;
import io.stillpoint.platform.Threads;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// Every state that QEMU knows, and what is done in it.
class VmStateTest {
    private static final String GREETING = "{\"QMP\":{\"version\":{},\"capabilities\":[]}}";

    @TempDir Path folder;

    @ParameterizedTest
    @CsvSource({
        "running, ",
        "paused, ",
        "prelaunch, ",
        "suspended, ",
        "shutdown, ",
        "guest-panicked, ",
        "io-error, ",
        "internal-error, ",
        "watchdog, ",
        "debug, ",
        "inmigrate, vm.state-inmigrate",
        "postmigrate, vm.state-postmigrate",
        "finish-migrate, vm.state-migrating",
        "colo, vm.state-colo",
        "save-vm, vm.state-saving",
        "restore-vm, vm.state-restoring",
        "preconfig, vm.state-preconfig",
        "something-new, vm.state-unknown",
        "'', vm.state-unknown"
    })
    void stateIsAllowedByNameOrRefusedWithItsReason(String state, String code) throws IOException {
        require(state, "{}", code);
    }

    @ParameterizedTest
    @CsvSource({
        "none, ",
        "completed, ",
        "failed, ",
        "cancelled, ",
        "setup, vm.state-migrating",
        "active, vm.state-migrating",
        "cancelling, vm.state-migrating",
        "pre-switchover, vm.state-migrating",
        "device, vm.state-migrating",
        "wait-unplug, vm.state-migrating",
        "postcopy-active, vm.state-migrating",
        "postcopy-paused, vm.state-migrating",
        "postcopy-recover, vm.state-migrating",
        "colo, vm.state-migrating",
        "something-new, vm.state-migrating"
    })
    void migrationUnderWayIsNamed(String migration, String code) throws IOException {
        require("running", "{\"status\":\"" + migration + "\"}", code);
    }

    private void require(String state, String migration, String code) throws IOException {
        try (FakeMonitor fake = new FakeMonitor(folder.resolve("qmp"), GREETING)) {
            fake.on(
                    "query-status",
                    "{\"return\":{\"status\":\"" + state + "\",\"running\":false},\"id\":ID}");
            fake.on("query-migrate", "{\"return\":" + migration + ",\"id\":ID}");
            try (Monitor monitor = new Monitor(fake.socket(), Threads.ofProcess())) {
                VmState found = VmState.of(monitor);
                if (code == null) {
                    assertThatCode(() -> found.requireFit(monitor)).doesNotThrowAnyException();
                } else {
                    assertThatThrownBy(() -> found.requireFit(monitor))
                            .isInstanceOfSatisfying(
                                    HypervisorException.class,
                                    e -> {
                                        assertThat(e.code()).isEqualTo(code);
                                        assertThat(e.kind()).isEqualTo(Kind.UNFIT_STATE);
                                    });
                }
            }
        }
    }

    @Test
    void refusalNamesTheState() throws IOException {
        try (FakeMonitor fake = new FakeMonitor(folder.resolve("qmp"), GREETING)) {
            fake.on(
                    "query-status",
                    "{\"return\":{\"status\":\"something-new\",\"running\":true},\"id\":ID}");
            fake.on("query-migrate", "{\"return\":{},\"id\":ID}");
            try (Monitor monitor = new Monitor(fake.socket(), Threads.ofProcess())) {
                assertThatThrownBy(() -> VmState.of(monitor).requireFit(monitor))
                        .hasMessageContaining("\"something-new\"");
            }
        }
    }
}
