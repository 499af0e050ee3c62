package io.stillpoint.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import io.stillpoint.platform.Json;
import io.stillpoint.testkit.WineGuest.Ended;
import io.stillpoint.testkit.WineGuest.Vss;
import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/// The verbs of the extension for Windows, each by itself, in a guest without its agent.
@Tag("slow")
@Timeout(60)
class WindowsVerbTest {
    private static final String RUNTIME =
            "HKLM\\SOFTWARE\\Microsoft\\VisualStudio\\12.0\\VC\\Runtimes\\x64";
    private static final String SERVICES = "HKLM\\SYSTEM\\CurrentControlSet\\Services\\";
    private static final String SERVICE = SERVICES + "IaaSVmProvider";
    private static final String VSS = SERVICES + "VSS";
    private static final String PROGRAM = "IaaSVmProvider.exe";
    private static final String INSTALLER = "vcredist_x64.exe";

    private static WineGuest guest;

    @BeforeAll
    static void start() {
        guest = WineGuest.start(Vss.SCRIPTED);
        guest.killAgent();
    }

    @AfterAll
    static void stop() {
        if (guest != null) {
            guest.close();
        }
    }

    /// As a Windows that never had the extension.
    @BeforeEach
    void clean() throws IOException {
        for (String version : new String[] {"1.0.0", "1.1.0"}) {
            if (Files.exists(root().resolve(version).resolve(PROGRAM))) {
                put(version, "");
                run(version, "uninstall");
            }
        }
        remove(root());
        guest.system("reg", "delete", RUNTIME, "/f");
        setVss("demand");
        for (String file : new String[] {"installer-calls.txt", "installer-script.txt"}) {
            guest.write(file, "");
        }
    }

    private static void remove(Path folder) throws IOException {
        if (Files.exists(folder)) {
            try (Stream<Path> files = Files.walk(folder)) {
                for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                    Files.delete(file);
                }
            }
        }
    }

    private static Path root() {
        return guest.drive().resolve("Packages/Plugins/Stillpoint.VMSnapshot");
    }

    /// Sets it as an administrator would; Wine's `sc` has no `config`.
    private static void setVss(String start) {
        guest.system("sc", "delete", "VSS");
        Ended ended =
                guest.system(
                        "sc",
                        "create",
                        "VSS",
                        "binPath=",
                        "C:\\windows\\system32\\vssvc.exe",
                        "start=",
                        start);
        assertThat(ended.exitCode()).as(ended.output()).isZero();
    }

    private static String vssStart() {
        return guest.registry(VSS, "Start").orElseThrow();
    }

    /// Puts a package of a version into the guest, as an upload would.
    ///
    /// @param prerequisite its JSON, or nothing
    private static void put(String version, String prerequisite) throws IOException {
        Path folder = Files.createDirectories(root().resolve(version));
        Path program = WindowsBuild.program(version);
        Files.copy(program, folder.resolve(PROGRAM), StandardCopyOption.REPLACE_EXISTING);
        ObjectNode manifest = Json.object();
        manifest.put("type", "VMSnapshot").put("version", version);
        ArrayNode files = manifest.putArray("files");
        addFile(files, PROGRAM, program);
        manifest.putObject("verbs").put("install", 30);
        ArrayNode prerequisites = manifest.putArray("prerequisites");
        if (!prerequisite.isEmpty()) {
            prerequisites.add(Json.parse(prerequisite));
            if (prerequisite.contains(INSTALLER)) {
                Files.copy(
                        guest.installer(),
                        folder.resolve(INSTALLER),
                        StandardCopyOption.REPLACE_EXISTING);
                addFile(files, INSTALLER, guest.installer());
            }
        }
        Files.write(folder.resolve("manifest.json"), Json.bytes(manifest));
    }

    private static void addFile(ArrayNode files, String name, Path file) throws IOException {
        files.addObject()
                .put("path", name)
                .put("bytes", Files.size(file))
                .put("sha256", sha256(file));
    }

    private static String sha256(Path file) {
        return HostCommand.run("sha256sum", file.toString()).substring(0, 64);
    }

    private static String prerequisite(boolean isSupplied, boolean isRequired) {
        ObjectNode json = Json.object();
        json.put("id", "vcredist2013-x64").put("version", "12.0.40660");
        if (isSupplied) {
            json.put("file", INSTALLER).put("sha256", sha256(guest.installer()));
        }
        json.putArray("arguments").add("/install").add("a b").add("say \"so\"").add("C:\\x\\");
        json.putArray("okExitCodes").add(0).add(1638).add(3010);
        json.put("required", isRequired);
        return json.toString();
    }

    private static JsonNode run(String version, String... words) {
        String[] command = new String[words.length + 1];
        command[0] = WindowsBuild.FOLDER + version + "\\" + PROGRAM;
        System.arraycopy(words, 0, command, 1, words.length);
        Ended ended = guest.exec(command);
        ObjectNode result = (ObjectNode) Json.parse(ended.output());
        return result.put("exit", ended.exitCode());
    }

    private static JsonNode require(int exit, String code, String version, String... words) {
        JsonNode result = run(version, words);
        assertThat(result.path("code").asString()).as(result.toString()).isEqualTo(code);
        assertThat(result.path("exit").asInt()).isEqualTo(exit);
        assertThat(result.path("extension").asString()).isEqualTo("VMSnapshot");
        assertThat(result.path("version").asString()).isEqualTo(version);
        assertThat(result.path("verb").asString()).isEqualTo(words[0]);
        return result;
    }

    private static JsonNode succeed(String version, String... words) {
        return require(0, "ok", version, words);
    }

    private static String state() {
        return run("1.0.0", "health").path("state").asString();
    }

    @Test
    void everyVerbTwiceEndsInTheSameState() throws IOException {
        put("1.0.0", "");
        assertThat(require(18, "not-installed", "1.0.0", "health").path("healthy").asBoolean(true))
                .isFalse();
        require(18, "not-installed", "1.0.0", "enable");
        require(18, "not-installed", "1.0.0", "disable");
        for (int i = 0; i < 2; i++) {
            succeed("1.0.0", "install");
            assertThat(state()).isEqualTo("installed");
            assertThat(vssStart()).isEqualTo("0x2");
            assertThat(guest.registry(SERVICE, "Start")).contains("0x2");
            assertThat(guest.registry(SERVICE, "ObjectName")).contains("LocalSystem");
            assertThat(guest.registry(SERVICE, "ImagePath"))
                    .contains("\"" + WindowsBuild.FOLDER + "1.0.0\\" + PROGRAM + "\"");
        }
        for (int i = 0; i < 2; i++) {
            JsonNode health = succeed("1.0.0", "enable");
            assertThat(health.path("healthy").asBoolean()).as(health.toString()).isTrue();
            assertThat(state()).isEqualTo("enabled");
        }
        for (int i = 0; i < 2; i++) {
            succeed("1.0.0", "disable");
            assertThat(state()).isEqualTo("disabled");
            assertThat(guest.registry(SERVICE, "Start")).contains("0x4");
        }
        succeed("1.0.0", "install");
        assertThat(state()).as("what was disabled stays so").isEqualTo("disabled");
        succeed("1.0.0", "enable");
        assertThat(guest.registry(SERVICE, "Start")).contains("0x2");
        put("1.1.0", "");
        for (int i = 0; i < 2; i++) {
            succeed("1.1.0", "update", "--from", "1.0.0");
            assertThat(run("1.1.0", "health").path("state").asString()).isEqualTo("enabled");
            assertThat(root().resolve("1.0.0")).doesNotExist();
        }
        put("1.0.0", "");
        require(15, "unsupported", "1.0.0", "install");
        require(2, "usage", "1.0.0", "update", "--from", "1.1.0");
        for (int i = 0; i < 2; i++) {
            succeed("1.1.0", "uninstall");
            assertThat(guest.registry(SERVICE, "Start")).isEmpty();
            assertThat(vssStart()).isEqualTo("0x3");
            try (Stream<Path> left = Files.list(root())) {
                assertThat(left.map(Path::getFileName).map(Path::toString))
                        .containsExactly("1.1.0");
            }
        }
    }

    /// Wine has its users' rights from the host's modes, but knows no junctions.
    @Test
    void aFolderOnTheWayThatOthersMayWriteToIsRefused() throws IOException {
        put("1.0.0", "");
        Path packages = guest.drive().resolve("Packages");
        Set<PosixFilePermission> before = Files.getPosixFilePermissions(packages);
        Files.setPosixFilePermissions(packages, PosixFilePermissions.fromString("rwxrwxrwx"));
        try {
            JsonNode answer = require(17, "broken", "1.0.0", "install");

            assertThat(answer.path("message").asString()).contains("others may write");
            assertThat(answer.path("detail").asString()).isEqualTo("C:\\Packages");
        } finally {
            Files.setPosixFilePermissions(packages, before);
        }
        succeed("1.0.0", "install");
    }

    @Test
    void whatIsNoVerbIsUsage() throws IOException {
        put("1.0.0", "");
        require(2, "usage", "1.0.0", "format");
        require(2, "usage", "1.0.0", "update");
        require(2, "usage", "1.0.0", "update", "--from", "x");
        require(2, "usage", "1.0.0", "install", "now");
    }

    @ParameterizedTest
    @CsvSource({"demand,0x3", "disabled,0x4", "auto,0x2"})
    void uninstallPutsBackTheStartTypeOfVss(String start, String before) throws IOException {
        setVss(start);
        put("1.0.0", "");
        succeed("1.0.0", "install");
        assertThat(vssStart()).isEqualTo("0x2");
        // Not saved once more from what it has set itself.
        succeed("1.0.0", "install");

        succeed("1.0.0", "uninstall");

        assertThat(vssStart()).isEqualTo(before);
    }

    @Test
    void uninstallLeavesWhatAnAdministratorHasSetSince() throws IOException {
        put("1.0.0", "");
        succeed("1.0.0", "install");
        setVss("disabled");

        succeed("1.0.0", "uninstall");

        assertThat(vssStart()).isEqualTo("0x4");
    }

    @Test
    void anInstallationThatARebootCutOffIsFinishedWithWhatWasSavedFirst() throws IOException {
        put("1.0.0", "");
        // Saved, VSS set, nothing else done.
        Files.writeString(
                root().resolve("state.json"),
                "{\"version\":\"\",\"disabled\":false,\"saved\":{\"vssStart\":3,\"runtime\":\"\"}}");
        setVss("auto");

        succeed("1.0.0", "install");
        succeed("1.0.0", "enable");

        succeed("1.0.0", "uninstall");
        assertThat(vssStart()).isEqualTo("0x3");
    }

    @Test
    void aStateThatCantBeReadIsMadeAnewAndVssLeftAsItIs() throws IOException {
        put("1.0.0", "");
        succeed("1.0.0", "install");
        Files.writeString(root().resolve("state.json"), "{\"version\":");

        succeed("1.0.0", "install");

        succeed("1.0.0", "uninstall");
        assertThat(vssStart()).isEqualTo("0x2");
    }

    @Test
    void librariesBesideTheProgramAreNotLoaded() throws IOException {
        put("1.0.0", "");
        // It has none of the entries that are wanted, so that what loads it fails.
        Path other = guest.drive().resolve("windows/system32/vssapi.dll");
        for (String name : List.of("bcrypt.dll", "advapi32.dll", "ole32.dll", "vssapi.dll")) {
            Files.copy(other, root().resolve("1.0.0").resolve(name));
        }

        succeed("1.0.0", "install");
        assertThat(succeed("1.0.0", "enable").path("healthy").asBoolean()).isTrue();
    }

    /// The agent freezes by itself, with the same provider: that is left alone.
    @Test
    void whileTheAgentFreezesNothingIsUninstalled() throws IOException {
        put("1.0.0", "");
        succeed("1.0.0", "install");
        succeed("1.0.0", "enable");
        guest.startAgent();
        try {
            assertThat(ask("{\"execute\":\"guest-ping\"}")).isEqualTo("{}");
            String freeze =
                    "{\"execute\":\"guest-fsfreeze-freeze-list\","
                            + "\"arguments\":{\"mountpoints\":[\"C:\\\\\"]}}";
            assertThat(ask(freeze)).isEqualTo("1");

            require(13, "busy", "1.0.0", "uninstall");

            assertThat(ask("{\"execute\":\"guest-fsfreeze-thaw\"}")).isEqualTo("1");
            succeed("1.0.0", "uninstall");
        } finally {
            guest.killAgent();
        }
    }

    /// What the agent returns. Waits for its start, too.
    private static String ask(String command) throws IOException {
        StringBuilder line = new StringBuilder();
        try (SocketChannel channel =
                SocketChannel.open(UnixDomainSocketAddress.of(guest.agentSocket()))) {
            channel.write(ByteBuffer.wrap((command + "\n").getBytes(StandardCharsets.UTF_8)));
            ByteBuffer received = ByteBuffer.allocate(1);
            while (channel.read(received.clear()) == 1 && received.get(0) != '\n') {
                line.append((char) received.get(0));
            }
        }
        return Json.parse(line.toString()).path("return").toString();
    }

    @Test
    void aServiceOfAnotherProgramIsLeftAlone() throws IOException {
        put("1.0.0", "");
        guest.system("sc", "create", "IaaSVmProvider", "binPath=", "C:\\other.exe");
        try {
            JsonNode result = require(15, "unsupported", "1.0.0", "install");
            assertThat(result.path("detail").asString()).isEqualTo("C:\\other.exe");
            assertThat(vssStart()).isEqualTo("0x3");
        } finally {
            guest.system("sc", "delete", "IaaSVmProvider");
        }
    }

    @Test
    void aPackageThatIsNotAsItsManifestSaysIsBroken() throws IOException {
        put("1.0.0", prerequisite(true, false));
        succeed("1.0.0", "verify");
        Files.writeString(
                root().resolve("1.0.0").resolve(INSTALLER), "x", StandardOpenOption.APPEND);

        assertThat(require(17, "broken", "1.0.0", "verify").path("detail").asString())
                .contains(INSTALLER, sha256(guest.installer()));
        require(14, "prerequisite-wrong-hash", "1.0.0", "install");
        assertThat(guest.read("installer-calls.txt")).isEmpty();

        put("1.0.0", "");
        Files.writeString(root().resolve("1.0.0/manifest.json"), "{\"type\":\"VMSnapshot\"}");
        require(17, "broken", "1.0.0", "verify");
        require(17, "broken", "1.0.0", "install");
        Files.delete(root().resolve("1.0.0/manifest.json"));
        require(17, "broken", "1.0.0", "install");
        assertThat(guest.registry(SERVICE, "Start")).isEmpty();
    }

    /// Who can write it is SYSTEM already; a half-written one must end in an answer all the same.
    @Test
    void noManifestHoweverWrongEndsTheProgramOrLeadsOutOfItsFolder() throws IOException {
        put("1.0.0", "");
        Path file = root().resolve("1.0.0/manifest.json");
        String good = Files.readString(file);
        String name = "\"path\":\"" + PROGRAM + "\"";
        List<String> wrong = new ArrayList<>(List.of("", "{", "[]", "null", "\"x", "{}x", "1e9"));
        wrong.add("[".repeat(100_000));
        wrong.add(good.replace("\"bytes\":", "\"bytes\":9999999999999999999999"));
        wrong.add(good.replace("\"bytes\":", "\"bytes\":-"));
        wrong.add(good.replaceFirst("\"sha256\":\"..", "\"sha256\":\""));
        wrong.add(good.replace("\"1.0.0\"", "\"1.0.1\""));
        wrong.add(good + " ".repeat(1 << 20));
        for (String path :
                List.of(
                        "../1.0.0/" + PROGRAM,
                        "a/../" + PROGRAM,
                        "..\\\\1.0.0\\\\" + PROGRAM,
                        "C:/windows/win.ini",
                        "/windows/win.ini",
                        PROGRAM + "::$DATA",
                        PROGRAM + ".",
                        PROGRAM + " ",
                        "\\u0000",
                        "\\ud800")) {
            wrong.add(good.replace(name, "\"path\":\"" + path + "\""));
        }
        for (String manifest : wrong) {
            Files.writeString(file, manifest);
            require(17, "broken", "1.0.0", "verify");
        }
        Files.writeString(file, good);
        succeed("1.0.0", "verify");
    }

    /// What the installer does, what becomes of it.
    @ParameterizedTest
    @CsvSource({
        "0, v12.0.40660.00, 0, ok, installed",
        "0, v12.0.40664.00, 0, ok, installed",
        "0, '', 0, ok, absent",
        "1638, v12.0.40664.00, 0, ok, installed",
        "1638, '', 0, ok, absent",
        "3010, v12.0.40660.00, 16, reboot-needed, installed",
        "1603, '', 14, prerequisite-failed, failed",
        "1602, '', 14, prerequisite-failed, failed"
    })
    void theInstallersExitCodeCountsAndWhatIsThereAfterIt(
            int installerExit, String version, int exit, String code, String outcome)
            throws IOException {
        put("1.0.0", prerequisite(true, false));
        String registers = version.isEmpty() ? "" : "version=" + version + "\n";
        guest.write("installer-script.txt", registers + "exit=" + installerExit + "\n");

        JsonNode result = require(exit, code, "1.0.0", "install");

        JsonNode prerequisite = result.path("prerequisites").get(0);
        assertThat(prerequisite.path("outcome").asString()).isEqualTo(outcome);
        if (exit == 14) {
            assertThat(result.path("number").asInt()).isEqualTo(installerExit);
        }
        // Each argument arrives as it was given.
        assertThat(guest.read("installer-calls.txt"))
                .contains("\"/install\" \"a b\" \"say \\\"so\\\"\" \"C:\\x\\\\\"");
        assertThat(guest.registry(SERVICE, "Start").isPresent()).isEqualTo(exit != 14);
    }

    @Test
    void anInstallerThatDoesNotEndIsEnded() throws IOException {
        put("1.0.0", prerequisite(true, false));
        Path manifest = root().resolve("1.0.0/manifest.json");
        Files.writeString(
                manifest, Files.readString(manifest).replace("\"install\":30", "\"install\":1"));
        guest.write("installer-script.txt", "sleepMs=60000\n");

        JsonNode result = require(14, "prerequisite-failed", "1.0.0", "install");

        assertThat(result.path("message").asString()).contains("did not end in time");
    }

    @Test
    void aSecondVerbWaitsForTheFirstAndIsBusyInTheEnd() throws Exception {
        put("1.0.0", prerequisite(true, false));
        guest.write("installer-script.txt", "sleepMs=9000\n");
        CompletableFuture<JsonNode> first =
                CompletableFuture.supplyAsync(() -> run("1.0.0", "install"));
        while (guest.read("installer-calls.txt").isEmpty()) {
            assertThat(first).isNotDone();
            Thread.sleep(20);
        }

        require(13, "busy", "1.0.0", "uninstall");

        assertThat(first.get().path("code").asString()).isEqualTo("ok");
        assertThat(root().resolve("verb.lock")).doesNotExist();
    }

    @ParameterizedTest
    @CsvSource({"v12.0.40664.00, true", "v12.0.40660.00, true", "v12.0.30501.00, false"})
    void aRuntimeThatIsNewEnoughIsPresent(String version, boolean isPresent) throws IOException {
        guest.register(RUNTIME, "Version", "REG_SZ", version);
        guest.register(RUNTIME, "Installed", "REG_DWORD", "1");
        put("1.0.0", prerequisite(true, false));

        JsonNode result = succeed("1.0.0", "install");

        assertThat(guest.read("installer-calls.txt").isEmpty()).isEqualTo(isPresent);
        assertThat(result.path("prerequisites").get(0).path("outcome").asString())
                .isEqualTo(isPresent ? "present" : "absent");
    }

    @Test
    void anInstallerThatNobodySuppliedIsAWarningOrAnErrorAsTheManifestSays() throws IOException {
        put("1.0.0", prerequisite(false, false));
        JsonNode prerequisite = succeed("1.0.0", "install").path("prerequisites").get(0);
        assertThat(prerequisite.path("outcome").asString()).isEqualTo("absent");
        assertThat(prerequisite.path("code").asString()).isEqualTo("prerequisite-missing");

        put("1.0.0", prerequisite(false, true));
        require(14, "prerequisite-missing", "1.0.0", "install");
    }
}
