package io.stillpoint.hypervisor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stillpoint.platform.Json;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

class SnapshotDescriptorTest {
    private static final SnapshotName NAME = SnapshotName.parse("0a1b2c3d-00112233aabbccdd");

    private static SnapshotDescriptor descriptor() {
        return new SnapshotDescriptor(
                "qemu",
                NAME,
                List.of(
                        new SnapshotDescriptor.Disk(
                                "d1",
                                1L << 40,
                                "qcow2",
                                Optional.of("0123456789abcdef"),
                                Optional.of("export"),
                                Optional.of("changes")),
                        new SnapshotDescriptor.Disk(
                                "empty",
                                0,
                                "raw",
                                Optional.empty(),
                                Optional.empty(),
                                Optional.empty())),
                Json.object().put("anything", 1));
    }

    @Test
    void isReadAsItWasStored() {
        SnapshotDescriptor descriptor = descriptor();
        SnapshotDescriptor read = SnapshotDescriptor.of(Json.parse(Json.bytes(descriptor.json())));
        assertThat(read).isEqualTo(descriptor);
        assertThat(read.json().toString()).isEqualTo(descriptor.json().toString());
    }

    @Test
    void nobodyChangesItsState() {
        SnapshotDescriptor descriptor = descriptor();
        descriptor.state().put("anything", 2);
        ((ObjectNode) descriptor.json().path("state")).put("anything", 3);
        assertThat(descriptor.state().path("anything").asInt()).isEqualTo(1);
    }

    @Test
    void whatIsNoDescriptorIsABrokenSnapshot() {
        for (String field : List.of("format", "provider", "snapshot", "disks", "state")) {
            ObjectNode json = descriptor().json();
            json.remove(field);
            assertUnreadable(json);
            json.put(field, "what?");
            assertUnreadable(json);
        }
        ObjectNode later = descriptor().json().put("format", 2);
        assertUnreadable(later);
        ObjectNode twice = descriptor().json();
        ((ObjectNode) twice.path("disks").path(1)).put("name", "d1");
        assertUnreadable(twice);
        ObjectNode negative = descriptor().json();
        ((ObjectNode) negative.path("disks").path(1)).put("size", -1);
        assertUnreadable(negative);
        assertUnreadable(Json.parse("null"));
        assertUnreadable(Json.array());
    }

    private static void assertUnreadable(JsonNode json) {
        assertThatThrownBy(() -> SnapshotDescriptor.of(json))
                .as(json.toString())
                .isInstanceOfSatisfying(
                        HypervisorException.class,
                        e -> {
                            assertThat(e.code()).isEqualTo("snapshot.unreadable");
                            assertThat(e.kind())
                                    .isEqualTo(HypervisorException.Kind.SNAPSHOT_BROKEN);
                        });
    }

    @Test
    void nameIsReadAsItWasWrittenAndNothingElseIs() {
        assertThat(SnapshotName.parse(NAME.toString())).isEqualTo(NAME);
        for (String text : List.of("", "0a1b2c3d", "0A1B2C3D-00112233aabbccdd", NAME + "0")) {
            assertThatThrownBy(() -> SnapshotName.parse(text))
                    .isInstanceOf(IllegalArgumentException.class);
        }
        assertThat(KeptSnapshots.NONE.with(NAME).contains(NAME)).isTrue();
        assertThat(KeptSnapshots.of(NAME).without(NAME)).isEqualTo(KeptSnapshots.NONE);
    }

    @Test
    void vmIdIsTheUuidOrMadeOfWhatTheProviderKnows() {
        String uuid = "11111111-2222-3333-4444-55555555555A";
        VmIdentity named = VmIdentity.here(uuid, "", "", List.of(), List.of());
        assertThat(VmId.of(named, "x").text()).isEqualTo("11111111-2222-3333-4444-55555555555a");
        VmIdentity nameless = VmIdentity.here("", "", "web", List.of("/a"), List.of());
        VmId id = VmId.of(nameless, "qemu", "/run/a.sock");
        assertThat(id.text()).matches("vm-[0-9a-f]{32}");
        assertThat(
                        VmId.of(
                                VmIdentity.here("", "", "", List.of(), List.of()),
                                "qemu",
                                "/run/a.sock"))
                .isEqualTo(id);
        assertThat(VmId.of(nameless, "qemu/", "run/a.sock")).isNotEqualTo(id);
        assertThat(VmId.of(nameless, "qemu", "/run/b.sock")).isNotEqualTo(id);
        for (String text : List.of("", "a b", "../x", "x".repeat(65))) {
            assertThatThrownBy(() -> new VmId(text)).isInstanceOf(IllegalArgumentException.class);
        }
    }
}
