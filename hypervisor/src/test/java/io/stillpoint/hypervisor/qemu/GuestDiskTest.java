package io.stillpoint.hypervisor.qemu;

import static org.assertj.core.api.Assertions.assertThat;

import io.stillpoint.hypervisor.ChangedBlocks.Reason;
import io.stillpoint.platform.Json;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class GuestDiskTest {
    @Test
    void whatIsNotedOfADiskHoldsNoPassword() {
        GuestDisk disk =
                new GuestDisk(
                        "d1",
                        "n1",
                        "/machine/peripheral/d1",
                        "virtio-blk-pci",
                        "raw",
                        "https://me:hunter2@host/disk",
                        4096,
                        "serial",
                        false,
                        List.of(),
                        "raw",
                        GuestDisk.Kind.REMOVABLE,
                        true,
                        false);
        PlannedDisk planned =
                new PlannedDisk(3, disk, "00", Optional.empty(), Optional.of(Reason.RESTARTED));
        String noted = planned.json().toString();
        assertThat(noted).doesNotContain("hunter2");
        PlannedDisk read = PlannedDisk.of(Json.parse(noted));
        assertThat(read.json().toString()).isEqualTo(noted);
        assertThat(read.unknown()).contains(Reason.RESTARTED);
        assertThat(read.disk().kind()).isEqualTo(GuestDisk.Kind.REMOVABLE);
    }
}
