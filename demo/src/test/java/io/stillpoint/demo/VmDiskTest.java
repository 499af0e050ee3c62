package io.stillpoint.demo;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import org.junit.jupiter.api.Test;

final class VmDiskTest {
    @Test
    void doublesCommasInFileNames() {
        assertThat(VmDisk.raw("d1", Path.of("/a,b/c")).arguments())
                .contains("driver=file,node-name=d1-file,filename=/a,,b/c,discard=unmap");
    }

    @Test
    void givesEachWiringItsOwnShape() {
        VmDisk disk = VmDisk.qcow2("d1", Path.of("/d"));
        assertThat(disk.withIothread().arguments())
                .last()
                .isEqualTo("virtio-blk-pci,id=d1-dev,drive=d1,serial=d1,iothread=d1-thread");
        assertThat(disk.wired(VmDisk.Wiring.DRIVE).cached(VmDisk.Cache.UNSAFE).arguments())
                .contains("if=none,id=d1,file=/d,format=qcow2,discard=unmap,cache=unsafe");
        assertThat(disk.wired(VmDisk.Wiring.SCSI).arguments())
                .last()
                .isEqualTo("scsi-hd,id=d1-dev,bus=scsi.0,drive=d1,serial=d1");
    }

    @Test
    void refusesSerialsThatTheGuestWouldSeeCut() {
        assertThatThrownBy(() -> VmDisk.raw("a-serial-of-21-letters", Path.of("/d")))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("a-serial-of-21-letters");
    }
}
