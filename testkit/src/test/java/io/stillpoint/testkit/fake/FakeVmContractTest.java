package io.stillpoint.testkit.fake;

import io.stillpoint.hypervisor.VirtualMachine;
import io.stillpoint.testkit.RunningVmContract;
import io.stillpoint.testkit.TestedVm;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/// The fake keeps the promises of a real one.
final class FakeVmContractTest extends RunningVmContract {
    @Override
    protected TestedVm start(Path folder) {
        return new Tested(
                new FakeVm(
                        "fake", Map.of("d1", TestedVm.DISK_BYTES, "d2", TestedVm.DISK_BYTES), 1));
    }

    private record Tested(FakeVm vm) implements TestedVm {
        @Override
        public List<String> disks() {
            return vm.disks();
        }

        @Override
        public VirtualMachine open() {
            return vm.open();
        }

        @Override
        public void write(String disk, long offset, int length, int pattern) {
            byte[] bytes = new byte[length];
            Arrays.fill(bytes, (byte) pattern);
            vm.write(disk, offset, bytes);
        }

        @Override
        public List<String> traces() {
            return vm.traces();
        }

        @Override
        public void kill() {
            vm.kill();
        }

        @Override
        public void start() {
            vm.start();
        }

        @Override
        public void close() {}
    }
}
