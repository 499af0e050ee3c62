package io.stillpoint.hypervisor.images;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stillpoint.hypervisor.Hypervisor;
import io.stillpoint.hypervisor.Hypervisor.Power;
import io.stillpoint.hypervisor.HypervisorException;
import io.stillpoint.hypervisor.VirtualMachine;
import io.stillpoint.hypervisor.VmId;
import io.stillpoint.platform.Threads;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ImageHypervisorTest {
    @TempDir Path folder;

    @Test
    void vmIsFoundByItsNameWhereverItsImagesAre() throws IOException {
        Path image = Files.write(folder.resolve("web.raw"), new byte[1 << 20]);
        Path moved = Files.write(folder.resolve("moved.raw"), new byte[1 << 20]);
        Hypervisor hypervisor = hypervisor(image);
        Hypervisor.Vm vm = hypervisor.find().vms().getFirst();
        assertThat(vm.name()).isEqualTo("web");
        assertThat(vm.power()).isEqualTo(Power.OFF);
        assertThat(vm.id().text()).matches("vm-[0-9a-f]{32}");
        assertThat(hypervisor(moved).find().vms()).containsExactly(vm);
        assertThat(hypervisor.describe(vm.id()).identity().images())
                .containsExactly(image.toRealPath().toString());
        try (VirtualMachine open = hypervisor.open(vm.id())) {
            assertThat(open.configuration().path("name").asString()).isEqualTo("web");
        }
        try (ImageUser _ = new ImageUser(image)) {
            assertThat(hypervisor.find().vms().getFirst().power()).isEqualTo(Power.UNKNOWN);
        }
        Files.delete(image);
        assertThat(hypervisor.find().vms()).isEmpty();
        assertThat(hypervisor.find().unanswered())
                .extracting(each -> each.reason().code())
                .containsExactly("image.missing");
        assertThatThrownBy(() -> hypervisor.open(new VmId("another")))
                .isInstanceOfSatisfying(
                        HypervisorException.class,
                        e -> assertThat(e.code()).isEqualTo("vm.unknown"));
    }

    private static Hypervisor hypervisor(Path image) {
        return new ImageHypervisor(
                List.of(new ImageSet("web", List.of(ImageFile.of(image)), List.of())),
                Threads.ofProcess());
    }

    @Test
    void twoVmsOfOneNameAreRefused() {
        ImageSet set = new ImageSet("web", List.of(ImageFile.of(folder)), List.of());
        assertThatThrownBy(() -> new ImageHypervisor(List.of(set, set), Threads.ofProcess()))
                .isInstanceOf(IllegalArgumentException.class);
    }
}
