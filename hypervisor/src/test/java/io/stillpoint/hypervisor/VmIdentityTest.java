package io.stillpoint.hypervisor;

import static org.assertj.core.api.Assertions.assertThat;

import io.stillpoint.platform.Json;
import java.util.List;
import org.junit.jupiter.api.Test;

class VmIdentityTest {
    private static final String UUID = "11111111-2222-3333-4444-555555555555";
    private static final String OTHER = "99999999-2222-3333-4444-555555555555";
    private static final String NONE = "00000000-0000-0000-0000-000000000000";

    private static VmIdentity vm(String uuid, String host, String process, String... images) {
        return new VmIdentity(uuid, host, host, process, "vm", List.of(images), List.of());
    }

    @Test
    void uuidDecidesWhereBothHaveOne() {
        assertThat(vm(UUID, "h1", "p", "/a").isSameAs(vm(UUID, "h2", "q", "/b"))).isTrue();
        assertThat(vm("ABCDEF00-2222-3333-4444-555555555555", "h1", "", "/a").uuid())
                .isEqualTo("abcdef00-2222-3333-4444-555555555555");
        assertThat(vm(UUID, "h1", "p", "/a").isSameAs(vm(OTHER, "h1", "p", "/a"))).isFalse();
    }

    @Test
    void withoutUuidTheImagesOnThisHostDecide() {
        assertThat(vm(NONE, "h1", "", "/a", "/b").isSameAs(vm("", "h1", "", "/b"))).isTrue();
        assertThat(vm(NONE, "h1", "", "/a").isSameAs(vm("", "h1", "", "/b"))).isFalse();
        assertThat(vm(NONE, "h1", "", "/a").isSameAs(vm("", "h2", "", "/a"))).isFalse();
    }

    @Test
    void imagesOfAVmWithUuidAreThatVm() {
        VmIdentity live = vm(UUID, "h1", "p", "/a");
        VmIdentity images = vm("", "h1", "", "/a");
        assertThat(images.isSameAs(live)).isTrue();
        assertThat(images.completedBy(live).uuid()).isEqualTo(UUID);
        assertThat(vm(UUID, "h1", "q", "/new").isSameAs(images.completedBy(live))).isTrue();
        assertThat(vm("", "h1", "", "/b").completedBy(live).uuid()).isEmpty();
    }

    @Test
    void sameProcessIsTheSameMachineWhateverItsImages() {
        assertThat(vm("", "h1", "p", "/a").isSameAs(vm("", "h1", "p", "/b"))).isTrue();
        assertThat(vm("", "h2", "p", "/a").isSameAs(vm("", "h1", "p", "/b"))).isFalse();
    }

    @Test
    void overlayIsTheSameMachineAndACommonTemplateIsNot() {
        VmIdentity base = vm("", "h", "", "/a");
        VmIdentity overlay = new VmIdentity("", "h", "h", "", "vm", List.of("/ov"), List.of("/a"));
        VmIdentity other =
                new VmIdentity("", "h", "h", "", "vm", List.of("/x"), List.of("/template"));
        VmIdentity sister =
                new VmIdentity("", "h", "h", "", "vm", List.of("/y"), List.of("/template"));
        assertThat(overlay.isSameAs(base)).isTrue();
        assertThat(base.isSameAs(overlay)).isTrue();
        assertThat(other.isSameAs(sister)).isFalse();
    }

    @Test
    void pointsKeepIt() {
        VmIdentity identity =
                new VmIdentity(UUID, "h", "name", "p", "vm", List.of("/a"), List.of("/b"));
        var configuration = Json.object().put("uuid", "");
        configuration.set("identity", identity.json());
        assertThat(VmIdentity.in(Json.parse(Json.bytes(configuration)))).contains(identity);
    }

    @Test
    void olderPointsHaveTheUuidAlone() {
        assertThat(VmIdentity.in(Json.object().put("uuid", UUID)).orElseThrow().uuid())
                .isEqualTo(UUID);
        assertThat(VmIdentity.in(Json.object().put("uuid", NONE))).isEmpty();
        assertThat(VmIdentity.in(Json.object())).isEmpty();
    }

    @Test
    void hostIsNotGivenAway() {
        VmIdentity here = VmIdentity.here("", "", "vm", List.of("/a"), List.of());
        assertThat(here.host()).matches("[0-9a-f]{16}");
        assertThat(here.toString()).contains("\"vm\"", "no uuid", "/a");
    }
}
