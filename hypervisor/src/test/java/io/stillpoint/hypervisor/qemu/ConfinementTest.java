package io.stillpoint.hypervisor.qemu;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import org.junit.jupiter.api.Test;

class ConfinementTest {
    private static final Path FOLDER = Path.of("/var/tmp/stillpoint");

    @Test
    void theOneCommandForAppArmorNamesTheProfile() {
        assertThat(Confinement.advice("libvirt-5b1c (enforce)", FOLDER))
                .asString()
                .contains("\"/var/tmp/stillpoint/**\" rwk,")
                .contains("apparmor_parser -r /etc/apparmor.d/libvirt/libvirt-5b1c");
    }

    @Test
    void theOneCommandForSelinuxLabelsTheFolder() {
        assertThat(Confinement.advice("system_u:system_r:svirt_t:s0:c1,c2", FOLDER))
                .asString()
                .contains("chcon -t svirt_image_t /var/tmp/stillpoint");
    }

    @Test
    void unconfinedQemuNeedsOtherAdvice() {
        assertThat(Confinement.advice("unconfined", FOLDER)).asString().contains("free space");
        assertThat(Confinement.advice("", FOLDER)).asString().contains("free space");
    }
}
