package io.stillpoint.guest.extension;

import static org.assertj.core.api.Assertions.assertThat;

import io.stillpoint.guest.AgentSocket;
import io.stillpoint.guest.FakeAgent;
import io.stillpoint.guest.GuestAgent;
import io.stillpoint.guest.extension.Ensured.Done;
import io.stillpoint.guest.extension.Ensured.Ready;
import io.stillpoint.guest.extension.Ensured.Unavailable;
import io.stillpoint.platform.Json;
import io.stillpoint.platform.Randomness;
import io.stillpoint.platform.Threads;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/// What is said to a Windows guest, by a fake agent that keeps its files in memory. That a real Windows takes it so is not
/// shown here.
@Timeout(60)
class WindowsFolderTest {
    private static final String FOLDER = "C:\\Packages\\Plugins\\Stillpoint.VMSnapshot";
    private static final String PART = FOLDER + "\\1.0.0.part\\";

    @TempDir Path folder;
    private FakeAgent fake;
    private final Map<String, byte[]> files = new TreeMap<>();
    private final Map<Long, String> handles = new HashMap<>();
    private final Map<Long, Integer> read = new HashMap<>();
    private final List<String> commands = new ArrayList<>();
    private int exitOfIcacls;
    private String junction = "";
    private String said = "";
    private int exit;

    @BeforeEach
    void start() throws IOException {
        fake = new FakeAgent(folder);
        fake.on(
                "guest-get-osinfo",
                call ->
                        call.reply(
                                Json.parse(
                                        "{\"id\": \"mswindows\", \"machine\": \"x86_64\","
                                                + " \"pretty-name\": \"Windows Server 2022\"}")));
        fake.on("guest-file-open", this::open);
        fake.on("guest-file-read", this::readFile);
        fake.on("guest-file-write", this::writeFile);
        fake.on("guest-file-flush", call -> call.reply(Json.object()));
        fake.on("guest-file-close", call -> call.reply(Json.object()));
        fake.on("guest-exec", this::exec);
        fake.on(
                "guest-exec-status",
                call ->
                        call.reply(
                                Json.object()
                                        .put("exited", true)
                                        .put("exitcode", exit)
                                        .put(
                                                "out-data",
                                                Base64.getEncoder()
                                                        .encodeToString(
                                                                said.getBytes(
                                                                        StandardCharsets.UTF_8)))));
    }

    @AfterEach
    void stop() throws IOException {
        fake.close();
    }

    private void open(FakeAgent.Call call) throws IOException {
        String path = call.arguments().path("path").asString();
        if (call.arguments().path("mode").asString().startsWith("w")) {
            files.put(path, new byte[0]);
        } else if (!files.containsKey(path)) {
            // In the guest's language.
            call.refuse("GenericError", "failed to open file '" + path + "': Datei nicht gefunden");
            return;
        }
        long handle = 1000L + handles.size();
        handles.put(handle, path);
        call.reply(Json.parse(Long.toString(handle)));
    }

    private String path(FakeAgent.Call call) {
        return Objects.requireNonNull(handles.get(call.arguments().path("handle").asLong()));
    }

    private void readFile(FakeAgent.Call call) throws IOException {
        byte[] content = Objects.requireNonNull(files.get(path(call)));
        long handle = call.arguments().path("handle").asLong();
        int from = read.getOrDefault(handle, 0);
        int to = Math.min(content.length, from + call.arguments().path("count").asInt());
        read.put(handle, to);
        String base64 = Base64.getEncoder().encodeToString(Arrays.copyOfRange(content, from, to));
        call.reply(Json.object().put("buf-b64", base64).put("eof", to == content.length));
    }

    private void writeFile(FakeAgent.Call call) throws IOException {
        byte[] piece = Base64.getDecoder().decode(call.arguments().path("buf-b64").asString());
        ByteArrayOutputStream content = new ByteArrayOutputStream();
        content.writeBytes(Objects.requireNonNull(files.get(path(call))));
        content.writeBytes(piece);
        files.put(path(call), content.toByteArray());
        call.reply(Json.object().put("count", piece.length));
    }

    private void exec(FakeAgent.Call call) throws IOException {
        List<String> words = new ArrayList<>(List.of(call.arguments().path("path").asString()));
        for (JsonNode argument : call.arguments().path("arg")) {
            words.add(argument.asString());
        }
        assertThat(words).as("nothing to quote").noneMatch(word -> word.contains(" "));
        String command = String.join(" ", words);
        commands.add(command);
        said = "";
        exit = 0;
        if (words.getFirst().equals("icacls.exe")) {
            exit = exitOfIcacls;
            said = exit == 0 ? "" : "C:\\Packages: Access is denied.\r\n";
        } else if (words.getLast().equals("%~ai")) {
            said =
                    (command.contains("(" + junction + ")") ? "d--------l-" : "d----------")
                            + "\r\n";
        } else if (command.contains(" move ")) {
            String from = words.get(words.size() - 2);
            for (String path : List.copyOf(files.keySet())) {
                if (path.startsWith(from + "\\")) {
                    files.put(
                            path.replace(from, words.getLast()),
                            Objects.requireNonNull(files.remove(path)));
                }
            }
        } else if (words.getFirst().endsWith("IaaSVmProvider.exe")) {
            verb(words.get(1));
        }
        call.reply(Json.object().put("pid", commands.size()));
    }

    private void verb(String verb) {
        ObjectNode json = Json.object().put("code", "ok").put("message", "").put("verb", verb);
        switch (verb) {
            case "install", "enable" -> {
                String state = verb.equals("enable") ? "enabled" : "installed";
                files.put(
                        FOLDER + "\\state.json",
                        Json.bytes(Json.object().put("version", "1.0.0").put("state", state)));
            }
            case "health" -> json.put("state", "enabled").put("healthy", true);
            case "uninstall" -> files.clear();
            default -> {}
        }
        said = new String(Json.bytes(json), StandardCharsets.UTF_8) + "\r\n";
    }

    private ExtensionKeeper keeper() {
        byte[] executable = new byte[100_000];
        return new ExtensionKeeper(
                new ExtensionPackages(
                        new Payloads(name ->
                                switch (name) {
                                    case "io/stillpoint/extensions/VMSnapshot/version" ->
                                            new ByteArrayInputStream(
                                                    "1.0.0\n".getBytes(StandardCharsets.UTF_8));
                                    case "io/stillpoint/extensions/VMSnapshot/x86_64/IaaSVmProvider.exe" ->
                                            new ByteArrayInputStream(executable);
                                    default -> null;
                                }),
                        new Prerequisites(folder.resolve("state"), Prerequisites.Absent.WARN),
                        () -> PackageSigner.of(folder.resolve("state"), Randomness.secure())),
                new FolderExtensionRecords(folder.resolve("state")),
                () -> TestGuest.NOW);
    }

    private GuestAgent connect() {
        return GuestAgent.connect(
                new AgentSocket(fake.socket()),
                Duration.ofSeconds(10),
                Randomness.secure(),
                Threads.ofProcess());
    }

    private Ensured ensure() {
        try (GuestAgent agent = connect()) {
            return keeper().ensure("win", agent);
        }
    }

    @Test
    void installsIntoFoldersThatNobodyElseCanWriteTo() {
        assertThat(ensure())
                .isInstanceOfSatisfying(
                        Ready.class, ready -> assertThat(ready.done()).isEqualTo(Done.INSTALLED));

        String full = "*S-1-5-18:(OI)(CI)F *S-1-5-32-544:(OI)(CI)F";
        String cmd = "cmd.exe /d /c ";
        List<String> expected = new ArrayList<>();
        for (String place : List.of("C:\\Packages", "C:\\Packages\\Plugins", FOLDER)) {
            String others = place.equals(FOLDER) ? "" : " *S-1-5-32-545:(OI)(CI)RX";
            expected.add(cmd + "if not exist " + place + "\\ mkdir " + place);
            String attributes = cmd + "for %i in (" + place + ") do @echo %~ai";
            expected.add(attributes);
            expected.add("icacls.exe " + place + " /setowner *S-1-5-32-544 /l /q");
            expected.add("icacls.exe " + place + " /reset /l /q");
            expected.add(
                    "icacls.exe " + place + " /inheritance:r /grant:r " + full + others + " /l /q");
            expected.add(attributes);
        }
        String part = FOLDER + "\\1.0.0.part";
        String place = FOLDER + "\\1.0.0";
        expected.add(cmd + "for /d %i in (" + FOLDER + "\\*.part) do rmdir /s /q %i");
        expected.add(cmd + "if not exist " + part + "\\ mkdir " + part);
        expected.add(part + "\\IaaSVmProvider.exe verify");
        expected.add(cmd + "if exist " + place + "\\ net stop IaaSVmProvider & exit /b 0");
        expected.add(cmd + "if exist " + place + "\\ rmdir /s /q " + place);
        expected.add(cmd + "if exist " + place + "\\ exit /b 1");
        expected.add(cmd + "move /y " + part + " " + place);
        expected.add(place + "\\IaaSVmProvider.exe install");
        expected.add(place + "\\IaaSVmProvider.exe enable");
        expected.add(place + "\\IaaSVmProvider.exe health");
        assertThat(commands).containsExactlyElementsOf(expected);
        assertThat(files)
                .containsOnlyKeys(
                        place + "\\IaaSVmProvider.exe",
                        place + "\\manifest.json",
                        place + "\\manifest.sig",
                        FOLDER + "\\state.json");
    }

    @Test
    void theSecondTimeItIsAskedForItsHealthAlone() {
        assertThat(ensure()).isInstanceOf(Ready.class);
        commands.clear();
        assertThat(ensure())
                .isInstanceOfSatisfying(
                        Ready.class, ready -> assertThat(ready.done()).isEqualTo(Done.NOTHING));
        assertThat(commands).containsExactly(FOLDER + "\\1.0.0\\IaaSVmProvider.exe health");
    }

    @Test
    void aServiceIsStoppedBeforeItsFilesAreReplaced() {
        assertThat(ensure()).isInstanceOf(Ready.class);
        commands.clear();
        try (GuestAgent agent = connect()) {
            assertThat(keeper().install("win", agent).done()).isEqualTo(Done.REINSTALLED);
        }
        String exe = FOLDER + "\\1.0.0\\IaaSVmProvider.exe ";
        assertThat(commands)
                .containsSubsequence(
                        PART + "IaaSVmProvider.exe verify",
                        "cmd.exe /d /c if exist "
                                + FOLDER
                                + "\\1.0.0\\ net stop IaaSVmProvider & exit /b 0",
                        "cmd.exe /d /c move /y "
                                + PART.substring(0, PART.length() - 1)
                                + " "
                                + FOLDER
                                + "\\1.0.0",
                        exe + "install",
                        exe + "enable");
    }

    @Test
    void foldersThatCantBeSecuredAreNotUsed() {
        exitOfIcacls = 5;
        assertThat(ensure())
                .isInstanceOfSatisfying(
                        Unavailable.class,
                        answer -> {
                            assertThat(answer.code()).isEqualTo("extension.denied");
                            assertThat(answer.text())
                                    .asString()
                                    .contains("icacls.exe C:\\Packages");
                        });
        assertThat(files).isEmpty();
    }

    /// Every user can make C:\Packages before we do: as a way to where he wants our files, and our rights.
    @ParameterizedTest
    @ValueSource(strings = {"C:\\Packages", "C:\\Packages\\Plugins", FOLDER})
    void aJunctionOnTheWayIsRefusedAndNotFollowed(String link) {
        junction = link;
        assertThat(ensure())
                .isInstanceOfSatisfying(
                        Unavailable.class,
                        answer -> {
                            assertThat(answer.code()).isEqualTo("extension.link");
                            assertThat(answer.text()).asString().contains(link);
                        });
        assertThat(files).isEmpty();
        assertThat(commands).noneMatch(command -> command.startsWith("icacls.exe " + link + " "));
    }

    @Test
    void isUninstalledWithItsFolder() {
        assertThat(ensure()).isInstanceOf(Ready.class);
        commands.clear();
        try (GuestAgent agent = connect()) {
            assertThat(keeper().uninstall("win", agent)).isTrue();
        }
        assertThat(commands)
                .endsWith(
                        FOLDER + "\\1.0.0\\IaaSVmProvider.exe uninstall",
                        "cmd.exe /d /c if exist " + FOLDER + "\\ rmdir /s /q " + FOLDER);
    }

    @Test
    void anArchitectureWithoutPayloadIsTold() {
        fake.on(
                "guest-get-osinfo",
                call -> call.reply(Json.parse("{\"id\": \"mswindows\", \"machine\": \"x86\"}")));
        assertThat(ensure())
                .isInstanceOfSatisfying(
                        Unavailable.class,
                        answer -> assertThat(answer.code()).isEqualTo("extension.no-payload"));
    }

    @Test
    void aFrozenGuestIsToldAsSuchAndNotAsOneWithoutCommands() {
        fake.disable("guest-exec");
        fake.on("guest-fsfreeze-status", call -> call.reply(FakeAgent.text("frozen")));
        assertThat(ensure())
                .isInstanceOfSatisfying(
                        Unavailable.class,
                        answer -> assertThat(answer.code()).isEqualTo("extension.frozen"));
    }
}
