package io.stillpoint.testkit;

import java.nio.file.Path;
import org.junit.jupiter.api.Tag;

/// A running QEMU.
@Tag("qemu")
final class QemuVmContractTest extends RunningVmContract {
    @Override
    protected TestedVm start(Path folder) {
        return new BareQemu(folder);
    }
}
