package io.stillpoint.hypervisor.qemu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stillpoint.platform.ByteSize;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class ScratchRoomTest {
    private static final long GIB = 1L << 30;

    private static ScratchRoom room(String allowed, long free) {
        return ScratchRoom.of(ByteSize.parse(allowed), () -> free, "scratch");
    }

    @Test
    void whatWasAllowedIsTheLimitWhereThereIsRoom() {
        ScratchRoom room = room("20G", 100 * GIB);
        assertThat(room.limit().bytes()).isEqualTo(20 * GIB);
        assertThat(room.isLessThan(ByteSize.parse("20G"))).isFalse();
    }

    @Test
    void theLastGibibyteIsNotTaken() {
        ScratchRoom room = room("20G", 15 * GIB);
        assertThat(room.limit().bytes()).isEqualTo(14 * GIB);
        assertThat(room.isLessThan(ByteSize.parse("20G"))).isTrue();
    }

    @Test
    void withNextToNothingFreeNoSnapshotIsTaken() {
        assertThatThrownBy(() -> room("20G", 60L << 20))
                .hasMessageContaining("scratch has 60.0 MiB free");
        assertThat(room("4M", 60L << 20).limit().bytes()).isEqualTo(4 << 20);
    }

    @Test
    void ofTheReserveHalfIsForOthers() {
        AtomicLong free = new AtomicLong(15 * GIB);
        ScratchRoom room = ScratchRoom.of(ByteSize.parse("20G"), free::get, "scratch");
        free.set(GIB / 2);
        assertThat(room.isSufficient()).isTrue();
        free.set(GIB / 2 - 1);
        assertThat(room.isSufficient()).isFalse();
    }
}
