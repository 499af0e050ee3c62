package io.stillpoint.hypervisor.qemu;

import static org.assertj.core.api.Assertions.assertThat;

import io.stillpoint.hypervisor.SnapshotDescriptor;
import io.stillpoint.platform.Json;
import java.io.IOException;
import java.io.InputStream;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

class SnapshotStateTest {
    /// A snapshot that is held over an update of the program is not lost: what version 1 noted of one is read for ever.
    @Test
    void descriptorOfVersion1IsReadWithoutLoss() throws IOException {
        try (InputStream in = SnapshotStateTest.class.getResourceAsStream("descriptor-v1.json")) {
            JsonNode json = Json.parse(Objects.requireNonNull(in).readAllBytes());
            SnapshotDescriptor descriptor = SnapshotDescriptor.of(json);
            SnapshotState state = SnapshotState.in(descriptor);
            assertThat(state.disks()).hasSize(1);
            assertThat(state.descriptor(descriptor.name()).json()).hasToString(json.toString());
        }
    }
}
