package io.stillpoint.guest.extension;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.stillpoint.guest.extension.Manifest.PackageFile;
import io.stillpoint.guest.extension.Manifest.Prerequisite;
import io.stillpoint.platform.Json;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.node.ObjectNode;

class ManifestTest {
    private static final String HASH = "0123456789abcdef".repeat(4);
    private static final PackageFile EXE = new PackageFile("IaaSVmProvider.exe", 812_344, HASH);
    private static final PackageFile VCREDIST = new PackageFile("vcredist_x64.exe", 7, HASH);

    static Manifest manifest() {
        return new Manifest(
                ExtensionType.VM_SNAPSHOT,
                "Stillpoint",
                new ExtensionVersion(1, 20, 3),
                "windows",
                "x86_64",
                "IaaSVmProvider.exe",
                List.of(EXE, VCREDIST),
                Map.of("install", 900, "health", 60),
                List.of(
                        new Prerequisite(
                                "vcredist2013-x64",
                                "12.0.40660",
                                Optional.of(VCREDIST),
                                List.of("/install", "/quiet"),
                                List.of(0, 1638, 3010),
                                false)));
    }

    @Test
    void isWrittenAsThePageSays() {
        assertThat(new String(manifest().json(), StandardCharsets.UTF_8))
                .isEqualTo(
                        """
                        {"type":"VMSnapshot","publisher":"Stillpoint","version":"1.20.3","os":"windows",\
                        "architecture":"x86_64","executable":"IaaSVmProvider.exe","files":[\
                        {"path":"IaaSVmProvider.exe","bytes":812344,"sha256":"HASH"},\
                        {"path":"vcredist_x64.exe","bytes":7,"sha256":"HASH"}],\
                        "verbs":{"health":60,"install":900},"prerequisites":[\
                        {"id":"vcredist2013-x64","version":"12.0.40660","file":"vcredist_x64.exe",\
                        "sha256":"HASH","arguments":["/install","/quiet"],"okExitCodes":[0,1638,3010],\
                        "required":false}]}\
                        """
                                .replace("HASH", HASH));
    }

    @Test
    void whatIsWrittenIsRead() {
        assertThat(Manifest.parse(manifest().json())).isEqualTo(manifest());
    }

    @Test
    void fieldsOfANewerVersionArePassedOver() {
        ObjectNode json = (ObjectNode) Json.parse(manifest().json());
        json.put("colour", "green");
        assertThat(Manifest.parse(Json.bytes(json))).isEqualTo(manifest());
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "type",
                "publisher",
                "version",
                "os",
                "architecture",
                "executable",
                "files",
                "verbs",
                "prerequisites"
            })
    void everyFieldIsNeededAndOfItsForm(String field) {
        ObjectNode json = (ObjectNode) Json.parse(manifest().json());
        json.put(field, 7);
        assertThatIllegalArgumentException().isThrownBy(() -> Manifest.parse(Json.bytes(json)));
        json.remove(field);
        assertThatIllegalArgumentException().isThrownBy(() -> Manifest.parse(Json.bytes(json)));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "{", "[]", "null", "7", "{}"})
    void whatIsNoManifestIsRefused(String text) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Manifest.parse(text.getBytes(StandardCharsets.UTF_8)));
    }

    @ParameterizedTest
    @CsvSource({
        "..",
        ".",
        ".hidden",
        "a/b",
        "a\\b",
        "a..b",
        "a b",
        "manifest.json",
        "manifest.sig",
        "C:x",
        "-x",
        "''"
    })
    void pathsAreNamesWithoutFolders(String path) {
        assertThatIllegalArgumentException().isThrownBy(() -> new PackageFile(path, 1, HASH));
    }

    @Test
    void twoFilesOfOneNameAreRefusedWhateverTheirCase() {
        String json =
                new String(manifest().json(), StandardCharsets.UTF_8)
                        .replace(
                                "\"path\":\"vcredist_x64.exe\"", "\"path\":\"iaasvmprovider.EXE\"");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Manifest.parse(json.getBytes(StandardCharsets.UTF_8)));
    }

    @Test
    void aPrerequisiteWithoutItsInstallerHasNoFile() {
        Manifest with = manifest();
        Prerequisite need = with.prerequisites().getFirst();
        Prerequisite without =
                new Prerequisite(
                        need.id(),
                        need.version(),
                        Optional.empty(),
                        need.arguments(),
                        need.okExitCodes(),
                        need.isRequired());
        Manifest manifest =
                new Manifest(
                        with.type(),
                        with.publisher(),
                        with.version(),
                        with.os(),
                        with.architecture(),
                        with.executable(),
                        List.of(EXE),
                        with.verbs(),
                        List.of(without));

        assertThat(new String(manifest.json(), StandardCharsets.UTF_8)).doesNotContain("\"file\"");
        assertThat(Manifest.parse(manifest.json())).isEqualTo(manifest);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "1",
                "1.0",
                "1.0.0.0",
                "01.0.0",
                "1.0.-1",
                "1.0.x",
                "1.0.0/..",
                "1.0.1000000"
            })
    void otherVersionsAreNone(String text) {
        assertThat(ExtensionVersion.parse(text)).isEmpty();
    }

    @Test
    void versionsAreOrderedByTheirNumbers() {
        assertThat(ExtensionVersion.parse("1.10.0").orElseThrow())
                .isGreaterThan(new ExtensionVersion(1, 9, 99))
                .isLessThan(new ExtensionVersion(2, 0, 0))
                .isEqualByComparingTo(new ExtensionVersion(1, 10, 0))
                .hasToString("1.10.0");
    }
}
