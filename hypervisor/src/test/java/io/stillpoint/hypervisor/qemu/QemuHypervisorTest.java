package io.stillpoint.hypervisor.qemu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stillpoint.hypervisor.Hypervisor;
import io.stillpoint.hypervisor.Hypervisor.Found;
import io.stillpoint.hypervisor.Hypervisor.Power;
import io.stillpoint.hypervisor.HypervisorException;
import io.stillpoint.hypervisor.VirtualMachine;
import io.stillpoint.hypervisor.VmId;
import io.stillpoint.platform.Threads;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("qemu")
class QemuHypervisorTest extends Backups {
    private static final String UUID = "11111111-2222-3333-4444-555555555555";

    @Test
    void vmIsFoundUnderOneIdWhetherItRunsStandsIsBusyOrIsOff() throws IOException {
        Files.createDirectory(folder.resolve("scratch"));
        Path nowhere = folder.resolve("nowhere.sock");
        KnownMonitors known = new KnownMonitors(folder.resolve("monitors"));
        QemuSettings settings =
                new QemuSettings(
                        "",
                        DiskChoice.USUAL,
                        Optional.of(known),
                        Optional.empty(),
                        Threads.ofProcess());
        VmId id = new VmId(UUID);
        Hypervisor hypervisor;
        try (RealVm vm = RealVm.start(folder, "-uuid", UUID, "-name", "web")) {
            hypervisor = new QemuHypervisor(List.of(vm.socket(), nowhere), settings);
            Found found = hypervisor.find();
            assertThat(found.vms()).containsExactly(new Hypervisor.Vm(id, "web", Power.RUNNING));
            assertThat(found.unanswered())
                    .extracting(Hypervisor.Unanswered::place)
                    .containsExactly(nowhere.toString());
            assertThat(found.unanswered().getFirst().reason().code()).isEqualTo("qmp.no-monitor");
            vm.control().execute("stop");
            assertThat(power(hypervisor)).isEqualTo(Power.PAUSED);
            vm.control().execute("cont");
            Hypervisor.Description described = hypervisor.describe(id);
            assertThat(described.vm().power()).isEqualTo(Power.RUNNING);
            assertThat(described.identity().uuid()).isEqualTo(UUID);
            assertThat(described.configuration().path("disks")).hasSize(2);
            assertThat(vm.traces()).isEmpty();
            try (VirtualMachine open = hypervisor.open(id)) {
                assertThat(open.identity()).isEqualTo(described.identity());
                open.prepare(request(1, Map.of())).close();
                assertThat(power(hypervisor)).isEqualTo(Power.UNKNOWN);
                assertThatThrownBy(() -> hypervisor.describe(id))
                        .isInstanceOfSatisfying(
                                HypervisorException.class,
                                e -> assertThat(e.code()).isEqualTo("vm.locked"));
                // A provider that starts now has only what was noted.
                assertThat(new QemuHypervisor(List.of(), settings).find().vms())
                        .containsExactly(new Hypervisor.Vm(id, "", Power.UNKNOWN));
            }
            assertThat(known.all().getFirst().vm()).isEqualTo("web");
            assertThatThrownBy(() -> hypervisor.open(new VmId("another")))
                    .isInstanceOfSatisfying(
                            HypervisorException.class,
                            e -> assertThat(e.code()).isEqualTo("vm.unknown"));
        }
        assertThat(power(hypervisor)).isEqualTo(Power.OFF);
        assertThatThrownBy(() -> hypervisor.open(id))
                .isInstanceOfSatisfying(
                        HypervisorException.class,
                        e -> assertThat(e.code()).isEqualTo("qmp.no-monitor"));
    }

    private static Power power(Hypervisor hypervisor) {
        List<Hypervisor.Vm> vms = hypervisor.find().vms();
        assertThat(vms).hasSize(1);
        return vms.getFirst().power();
    }

    @Test
    void vmWithoutAUuidKeepsItsIdFromRunToRun() {
        try (RealVm vm = RealVm.start(folder)) {
            QemuHypervisor hypervisor =
                    new QemuHypervisor(
                            List.of(vm.socket()), QemuSettings.usual(Threads.ofProcess()));
            VmId id = hypervisor.find().vms().getFirst().id();
            assertThat(id.text()).matches("vm-[0-9a-f]{32}");
            vm.restart();
            assertThat(
                            new QemuHypervisor(
                                            List.of(vm.socket()),
                                            QemuSettings.usual(Threads.ofProcess()))
                                    .find()
                                    .vms())
                    .extracting(Hypervisor.Vm::id)
                    .containsExactly(id);
        }
    }

    @Test
    void twoVmsOfOneUuidAreToldApartFromTwoMonitorsOfOne() throws IOException {
        Path other = Files.createDirectory(folder.resolve("other"));
        Path second = folder.resolve("second.sock");
        try (RealVm vm =
                RealVm.start(
                        folder, "-uuid", UUID, "-qmp", "unix:" + second + ",server=on,wait=off")) {
            VmId id = new VmId(UUID);
            Hypervisor one =
                    new QemuHypervisor(
                            List.of(vm.socket(), second), QemuSettings.usual(Threads.ofProcess()));
            assertThat(one.find().vms()).hasSize(1);
            one.open(id).close();
            try (RealVm twin = RealVm.start(other, "-uuid", UUID)) {
                Hypervisor two =
                        new QemuHypervisor(
                                List.of(vm.socket(), twin.socket()),
                                QemuSettings.usual(Threads.ofProcess()));
                assertThat(two.find().vms()).hasSize(1);
                assertThatThrownBy(() -> two.open(id))
                        .isInstanceOfSatisfying(
                                HypervisorException.class,
                                e -> assertThat(e.code()).isEqualTo("vm.same-id"));
            }
        }
    }
}
