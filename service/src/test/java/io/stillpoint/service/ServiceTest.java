package io.stillpoint.service;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stillpoint.engine.BackupJob;
import io.stillpoint.engine.BackupPolicy;
import io.stillpoint.engine.BackupSettings;
import io.stillpoint.engine.JobEvents;
import io.stillpoint.engine.JobId;
import io.stillpoint.engine.JobTools;
import io.stillpoint.engine.JobVm;
import io.stillpoint.engine.MemoryJournal;
import io.stillpoint.engine.RestLimits;
import io.stillpoint.engine.RestoreTask;
import io.stillpoint.engine.ScratchSettings;
import io.stillpoint.engine.SnapshotRestore;
import io.stillpoint.hypervisor.LocalSnapshots;
import io.stillpoint.hypervisor.SnapshotDescriptor;
import io.stillpoint.hypervisor.images.ImageFile;
import io.stillpoint.hypervisor.images.StoppedImages;
import io.stillpoint.platform.ByteSize;
import io.stillpoint.platform.Cancellation;
import io.stillpoint.platform.Json;
import io.stillpoint.platform.ProcessResources;
import io.stillpoint.platform.Randomness;
import io.stillpoint.platform.Threads;
import io.stillpoint.service.base.Tools;
import io.stillpoint.service.config.ConfigFile;
import io.stillpoint.service.config.ServiceConfig;
import io.stillpoint.service.control.ControlClient;
import io.stillpoint.service.control.ControlException;
import io.stillpoint.service.database.GoldenDatabase;
import io.stillpoint.vault.Vault;
import io.stillpoint.vault.crypto.KeyFile;
import io.stillpoint.vault.point.Consistency;
import io.stillpoint.vault.point.RecoveryPoint;
import io.stillpoint.vault.store.LocalStore;
import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.LocalTime;
import java.time.ZoneOffset;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/// The whole service beside a real QEMU.
@Tag("qemu")
class ServiceTest {
    private static final Duration LONG = Duration.ofSeconds(60);

    @TempDir Path folder;

    /// Read while the service writes it.
    private final List<String> log = new CopyOnWriteArrayList<>();

    private volatile Duration leap = Duration.ZERO;
    private ServiceConfig config;
    private ControlClient client;

    @BeforeEach
    void makeVault() throws IOException {
        KeyFile key = KeyFile.create(folder.resolve("key"), Randomness.secure());
        Vault.init(new LocalStore(folder.resolve("vault")), key, surroundings()).close();
        config = config("");
        client = new ControlClient(folder.resolve("control.sock"));
    }

    private static Vault.Surroundings surroundings() {
        return new Vault.Surroundings(
                Randomness.secure(), InstantSource.system(), ProcessResources.ofThisProcess());
    }

    private ServiceConfig config(String more) throws IOException {
        return config(more, "");
    }

    private ServiceConfig config(String more, String moreVaults) throws IOException {
        return ConfigFile.read(
                Files.writeString(
                        folder.resolve("stillpoint.yaml"),
                        """
                        name: test
                        state: FOLDER/state
                        control: { socket: FOLDER/control.sock }
                        vaults:
                          main: { location: FOLDER/vault, key-file: FOLDER/key }
                        MOREhosts:
                          here: { qemu: { monitors: ["FOLDER/vms/*/backup.qmp"] }, scratch: FOLDER/scratch, scratch-limit: 1G }
                        """
                                        .replace("FOLDER", folder.toString())
                                        .replace("MORE", moreVaults)
                                + more));
    }

    private Service start() {
        Tools tools =
                new Tools(
                        ProcessResources.ofThisProcess(),
                        () -> Instant.now().plus(leap),
                        Randomness.secure(),
                        Map.of(),
                        Optional.empty(),
                        log::add,
                        "stillpoint test");
        return Service.start(config, tools);
    }

    private RealVm vm(String name) throws IOException {
        return RealVm.start(folder.resolve("vms").resolve(name), name);
    }

    private List<JsonNode> ask(String request) {
        return client.ask((ObjectNode) Json.parse(request.replace('\'', '"')));
    }

    private void await(String what, BooleanSupplier condition) {
        long deadline = System.nanoTime() + LONG.toNanos();
        while (!condition.getAsBoolean()) {
            assertThat(System.nanoTime() < deadline)
                    .as(what + "\n" + String.join("\n", log))
                    .isTrue();
            LockSupport.parkNanos(50_000_000);
        }
    }

    private static final String POLICY =
            "{'name': 'gold', 'vault': 'main', 'schedule': {'zone': 'UTC', 'daily': {'at': '02:00'}},"
                    + " 'retention': {'daily': 7}, 'select': {'names': '*'}}";

    private void apply(String policy) {
        ask("{'do': 'policy apply', 'policies': [" + policy + "]}");
    }

    private String backUp(String vm) {
        String job = ask("{'do': 'backup', 'vm': '" + vm + "'}").getFirst().path("job").asString();
        return job;
    }

    private List<String> why(JsonNode job) {
        return ask("{'do': 'job show', 'job': '" + job.path("job").asString() + "'}").stream()
                .filter(each -> each.path("kind").asString("").equals("why"))
                .map(each -> each.path("message").asString())
                .toList();
    }

    private JsonNode ended(String job) {
        List<JsonNode> lines = ask("{'do': 'job watch', 'job': '" + job + "'}");
        return lines.stream().filter(each -> each.has("state")).toList().getLast();
    }

    private List<RecoveryPoint> points() {
        try (Vault vault =
                Vault.open(
                        new LocalStore(folder.resolve("vault")),
                        KeyFile.read(folder.resolve("key")),
                        surroundings())) {
            return vault.points();
        }
    }

    private byte[] restored(RecoveryPoint point) {
        ReadBytes bytes = new ReadBytes(new byte[RealVm.DISK_BYTES]);
        try (Vault vault =
                Vault.open(
                        new LocalStore(folder.resolve("vault")),
                        KeyFile.read(folder.resolve("key")),
                        surroundings())) {
            vault.restore(point.disks().getFirst().image(), bytes, new Cancellation(), _ -> {});
        }
        return bytes.content();
    }

    @Test
    void vmsAreFoundAndBackedUpOnDemand() throws IOException {
        try (RealVm web = vm("web");
                Service _ = start()) {
            web.write(0, 65_536, 7);
            await("found", () -> !ask("{'do': 'vm list'}").isEmpty());
            assertThat(ask("{'do': 'vm list'}").getFirst().path("vm").asString()).isEqualTo("web");
            assertThatThrownBy(() -> backUp("web")).hasMessageContaining("web has no policy");
            assertThatThrownBy(() -> backUp("wbe")).hasMessageContaining("Did you mean web?");
            apply(POLICY);

            JsonNode first = ended(backUp("web"));
            assertThat(first.path("state").asString()).as("%s", log).isEqualTo("made");
            web.write(1 << 20, 65_536, 9);
            JsonNode second = ended(backUp("web"));
            assertThat(second.path("state").asString()).as("%s", log).isEqualTo("made");
            assertThat(web.traces()).noneMatch(each -> !each.contains("sp-owner"));

            assertThat(why(first)).anyMatch(each -> each.contains("since nothing was recorded"));
            assertThat(why(second))
                    .anyMatch(each -> each.contains("only what changed was read."))
                    .anyMatch(each -> each.startsWith("The point is crash-consistent, "));

            List<RecoveryPoint> points = points();
            assertThat(points).hasSize(2);
            byte[] content =
                    restored(
                            points.stream()
                                    .filter(each ->
                                            each.id()
                                                    .toString()
                                                    .equals(second.path("point").asString()))
                                    .findFirst()
                                    .orElseThrow());
            assertThat(content[0]).isEqualTo((byte) 7);
            assertThat(content[1 << 20]).isEqualTo((byte) 9);
            assertThat(content[2 << 20]).isEqualTo((byte) 0);
        }
    }

    private JsonNode vmLine(String vm) {
        return ask("{'do': 'vm list'}").stream()
                .filter(each -> each.path("vm").asString().equals(vm))
                .findFirst()
                .orElseThrow();
    }

    private List<JsonNode> jobs() {
        return ask("{'do': 'job list'}");
    }

    @Test
    void scheduleStartsAJobAndMissedSlotsRunOnce() throws IOException {
        try (RealVm _ = vm("web");
                Service _ = start()) {
            await("found", () -> !ask("{'do': 'vm list'}").isEmpty());
            apply(POLICY);
            assertThat(vmLine("web").path("policy").asString()).isEqualTo("gold");
            assertThat(jobs()).isEmpty();
            leap = Duration.ofDays(3);
            await("a job", () -> !jobs().isEmpty());
            JsonNode job = ended(jobs().getFirst().path("job").asString());
            assertThat(job.path("state").asString()).as("%s", log).isEqualTo("made");
            assertThat(job.path("cause").asString()).isEqualTo("schedule");
            assertThat(job.path("policy").asString()).isEqualTo("gold");
            Instant due = Instant.parse(job.path("due").asString());
            Instant now = Instant.now().plus(leap);
            assertThat(due).isBetween(now.minus(Duration.ofHours(24)), now);
            assertThat(due.toString()).endsWith("T02:00:00Z");
            assertThat(jobs()).hasSize(1);
            assertThat(points().getFirst().configuration().path("origin").path("cause").asString())
                    .isEqualTo("schedule");
            assertThat(Instant.parse(vmLine("web").path("next").asString())).isAfter(now);
        }
    }

    @Test
    void serviceThatStopsAtAnyTimeIsGoneOnWithByTheNext() throws IOException {
        try (RealVm web = vm("web")) {
            for (int round = 0; round < 8; round++) {
                web.write((long) round << 20, 1 << 20, round + 1);
                String job;
                try (Service _ = start()) {
                    await("found", () -> !ask("{'do': 'vm list'}").isEmpty());
                    apply(POLICY);
                    job = backUp("web");
                    LockSupport.parkNanos(round * 40_000_000L);
                }
                try (Service _ = start()) {
                    JsonNode end = ended(job);
                    assertThat(end.path("state").asString()).as("%s", log).isEqualTo("made");
                    assertThat(jobs()).hasSize(round + 1);
                }
                List<RecoveryPoint> points = points();
                assertThat(points).hasSize(round + 1);
                byte[] content =
                        restored(
                                Collections.max(
                                        points,
                                        Comparator.comparingLong(
                                                each -> each.lineage().ordinal())));
                for (int i = 0; i < 16; i++) {
                    assertThat(content[i << 20]).isEqualTo((byte) (i <= round ? i + 1 : 0));
                }
            }
            assertThat(web.traces()).noneMatch(each -> !each.contains("sp-owner"));
        }
    }

    @Test
    void jobThatIsCancelledLeavesNothing() throws IOException {
        try (RealVm web = vm("web");
                Service _ = start()) {
            await("found", () -> !ask("{'do': 'vm list'}").isEmpty());
            apply(POLICY);
            String job = backUp("web");
            JsonNode answer =
                    ask("{'do': 'job cancel', 'job': '" + job.substring(0, 6) + "'}").getFirst();
            JsonNode end = ended(job);
            boolean wasAsked = answer.path("asked").asBoolean();
            assertThat(end.path("state").asString())
                    .as("%s", log)
                    .isIn(wasAsked ? List.of("cancelled", "made") : List.of("made"));
            int made = end.path("state").asString().equals("made") ? 1 : 0;
            assertThat(points()).hasSize(made);
            assertThat(web.traces()).noneMatch(each -> !each.contains("sp-owner"));
            assertThat(ended(backUp("web")).path("state").asString()).isEqualTo("made");
        }
    }

    /// The points are made while the clock is wrong, since retention believes no clock that the store's contradicts.
    @Test
    void retentionForgetsWhatIsNotKeptAnyMore() throws IOException {
        leap = Duration.ofDays(-20);
        try (RealVm _ = vm("web");
                Service _ = start()) {
            await("found", () -> !ask("{'do': 'vm list'}").isEmpty());
            apply(POLICY);
            for (int day : new int[] {1, 2, 3}) {
                leap = Duration.ofDays(-20 + day);
                await("a job", () -> jobs().size() == day);
                assertThat(ended(jobs().getFirst().path("job").asString()).path("state").asString())
                        .as("%s", log)
                        .isEqualTo("made");
            }
            String kept = backUp("web");
            assertThat(ended(kept).path("state").asString()).isEqualTo("made");
            List<JsonNode> points = ask("{'do': 'point list', 'vm': 'web'}");
            assertThat(points).hasSize(4);
            String pinned = points.get(1).path("point").asString();
            ask("{'do': 'point pin', 'vm': 'web', 'point': '" + pinned + "', 'reason': 'audit'}");
            String shorter = POLICY.replace("'daily': 7", "'daily': 1");
            List<JsonNode> preview = ask("{'do': 'policy preview', 'policies': [" + shorter + "]}");
            assertThat(preview.getFirst().path("change").asString()).isEqualTo("changed");
            assertThat(preview)
                    .filteredOn(each -> each.path("effect").asString("").equals("deleted"))
                    .extracting(each -> each.path("point").asString())
                    .containsExactly(points.getFirst().path("point").asString());
            assertThat(ask("{'do': 'care run', 'vault': 'main'}"))
                    .anyMatch(each ->
                            each.path("kind").asString().equals("forget")
                                    && each.path("code").asString("").equals("care.clocks")
                                    && each.path("vault").asString().equals("main"));
            assertThat(points()).as("clocks differ").hasSize(4);
            // The first was taken in the morning of a day; the daily rule keeps it seven days more.
            JsonNode first = ask("{'do': 'point list', 'vm': 'web'}").getFirst();
            assertThat(first.path("keptBy").asString()).isEqualTo("gold");
            assertThat(Instant.parse(first.path("keptUntil").asString()))
                    .isEqualTo(
                            Instant.parse(first.path("snapshotAt").asString())
                                    .atZone(ZoneOffset.UTC)
                                    .toLocalDate()
                                    .plusDays(8)
                                    .atStartOfDay(ZoneOffset.UTC)
                                    .toInstant());
            assertThat(first.path("why").toString()).contains("daily");

            leap = Duration.ZERO;
            await("a job", () -> jobs().size() == 5);
            assertThat(ended(jobs().getFirst().path("job").asString()).path("state").asString())
                    .isEqualTo("made");
            ask("{'do': 'care run', 'vault': 'main'}");
            // Left: the pinned one, the one on demand, the latest.
            assertThat(ask("{'do': 'point list', 'vm': 'web'}"))
                    .as("%s", log)
                    .extracting(each -> each.path("point").asString())
                    .containsExactly(
                            pinned,
                            ended(kept).path("point").asString(),
                            jobs().getFirst().path("point").asString());
            assertThat(points()).hasSize(3);
            JsonNode vault =
                    ask("{'do': 'status'}").stream()
                            .filter(each -> each.has("vault"))
                            .findFirst()
                            .orElseThrow();
            assertThat(vault.path("care").values())
                    .as("%s", vault)
                    .hasSize(3)
                    .noneMatch(each -> each.has("code"));
        }
    }

    @Test
    void catalogueIsMadeAgainFromTheVaultAlone() throws IOException {
        try (RealVm _ = vm("web")) {
            try (Service _ = start()) {
                await("found", () -> !ask("{'do': 'vm list'}").isEmpty());
                apply(POLICY);
                leap = Duration.ofDays(1);
                await("a job", () -> !jobs().isEmpty());
                assertThat(ended(jobs().getFirst().path("job").asString()).path("state").asString())
                        .isEqualTo("made");
            }
            Files.delete(folder.resolve("state/stillpoint.db"));
            try (Service _ = start()) {
                await("found", () -> !ask("{'do': 'vm list'}").isEmpty());
                apply(POLICY);
                assertThat(ask("{'do': 'catalog rebuild'}").getFirst().path("points").asInt())
                        .isEqualTo(1);
                List<JsonNode> points = ask("{'do': 'point list', 'vm': 'web'}");
                assertThat(points).hasSize(1);
                assertThat(points.getFirst().path("cause").asString()).isEqualTo("schedule");
            }
        }
    }

    /// Renamed since, protected by hand, and off when the database is lost.
    @Test
    void protectedVmsAreKnownAgainFromTheVaultAlone() throws IOException {
        String byHand = POLICY.replace(", 'select': {'names': '*'}", "");
        try (RealVm web = vm("web");
                RealVm other = vm("other")) {
            try (Service _ = start()) {
                await("found", () -> ask("{'do': 'vm list'}").size() == 2);
                apply(byHand);
                ask("{'do': 'vm protect', 'vm': 'web', 'policy': 'gold'}");
                ask("{'do': 'vm protect', 'vm': 'other', 'policy': 'gold'}");
                assertThat(ended(backUp("web")).path("state").asString()).isEqualTo("made");
                assertThat(ended(backUp("other")).path("state").asString()).isEqualTo("made");
            }
            web.rename("www");
            other.close();
            deleteState();
            try (Service _ = start()) {
                await("found", () -> ask("{'do': 'vm list'}").size() == 1);
                assertThat(ask("{'do': 'catalog rebuild'}"))
                        .filteredOn(each -> each.has("vm"))
                        .as("nobody is protected again without a word")
                        .extracting(each ->
                                each.path("vm").asString()
                                        + " "
                                        + each.path("policy").asString()
                                        + " "
                                        + each.has("lastPoint"))
                        .containsExactly("other gold true", "web gold true");
                apply(byHand);
                assertThat(ask("{'do': 'vm list'}"))
                        .extracting(each ->
                                each.path("vm").asString() + " " + each.path("policy").asString(""))
                        .containsExactlyInAnyOrder("web gold", "other gold");
                JsonNode end = ended(backUp("web"));
                assertThat(end.path("state").asString()).as("%s", log).isEqualTo("made");
                assertThat(points()).filteredOn(each -> each.vm().equals("web")).hasSize(2);
                assertThat(why(end)).anyMatch(each -> each.contains("everything was compared"));
            }
        }
    }

    private void deleteState() throws IOException {
        try (Stream<Path> files = Files.walk(folder.resolve("state"))) {
            for (Path each : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(each);
            }
        }
    }

    @Test
    void policyThatCannotBeReadIsToldAndKeepsItsVms() throws IOException {
        try (RealVm _ = vm("web");
                Service _ = start()) {
            await("found", () -> !ask("{'do': 'vm list'}").isEmpty());
            apply(POLICY);
            apply(POLICY.replace("gold", "silver"));
            database(
                    "update policy set body = '{\"name\": \"gold\", \"new\": 1}' where name = 'gold'");
            ask("{'do': 'vm tag', 'vm': 'web', 'tags': {'a': 'b'}}");
            assertThat(vmLine("web").path("policy").asString()).isEqualTo("gold");
            assertThat(troubles())
                    .anyMatch(each -> each.contains("gold: This policy can't be read"));
            apply(POLICY);
            assertThat(troubles()).isEmpty();
        }
    }

    @Test
    void protectionStopsKeepingPointsOrDeletingThem() throws IOException {
        try (RealVm _ = vm("web");
                Service _ = start()) {
            await("found", () -> !ask("{'do': 'vm list'}").isEmpty());
            apply(POLICY);
            String pinned = ended(backUp("web")).path("point").asString();
            assertThat(ended(backUp("web")).path("state").asString()).isEqualTo("made");
            ask("{'do': 'point pin', 'vm': 'web', 'point': '" + pinned + "', 'reason': 'audit'}");

            ask("{'do': 'vm unprotect', 'vm': 'web'}");
            assertThat(vmLine("web").has("policy")).isFalse();
            apply(POLICY);
            assertThat(vmLine("web").has("policy")).as("chosen by hand").isFalse();
            assertThat(points()).hasSize(2);

            assertThatThrownBy(
                            () -> ask("{'do': 'vm unprotect', 'vm': 'web', 'deletePoints': true}"))
                    .hasMessageContaining("would be forgotten: 1")
                    .hasMessageContaining("--yes");
            assertThat(points()).hasSize(2);
            assertThat(ask("{'do': 'point pins', 'points': ['" + pinned + "', 'cafe']}"))
                    .extracting(each -> each.path("pin").asString())
                    .containsExactly("audit");
            List<JsonNode> answer =
                    ask(
                            "{'do': 'vm unprotect', 'vm': 'web', 'deletePoints': true, 'confirmed': true}");
            assertThat(answer.getLast().path("forgotten").asInt()).isEqualTo(1);
            assertThat(points()).extracting(each -> each.id().toString()).containsExactly(pinned);

            ask("{'do': 'vm release', 'vm': 'web'}");
            assertThat(vmLine("web").path("policy").asString()).isEqualTo("gold");
        }
    }

    @Test
    void vmThatMovesToAnotherHostGoesOnWithItsLine() throws IOException {
        config =
                ConfigFile.read(
                        Files.writeString(
                                folder.resolve("two.yaml"),
                                Files.readString(folder.resolve("stillpoint.yaml"))
                                        + "  there: { qemu: { monitors: [\"FOLDER/others/*/backup.qmp\"] }, scratch: FOLDER/scratch }\n"
                                                .replace("FOLDER", folder.toString())));
        String first;
        try (RealVm web = vm("web");
                Service _ = start()) {
            web.write(0, 1 << 20, 5);
            await("found", () -> !ask("{'do': 'vm list'}").isEmpty());
            apply(POLICY);
            first = ended(backUp("web")).path("point").asString();
        }
        Files.createDirectories(folder.resolve("others"));
        Files.move(folder.resolve("vms/web"), folder.resolve("others/web"));
        try (RealVm _ =
                        RealVm.again(
                                folder.resolve("others/web"), "web", folder.resolve("vms/web"));
                Service _ = start()) {
            await(
                    "moved",
                    () ->
                            ask("{'do': 'vm list'}").stream()
                                    .anyMatch(each ->
                                            each.path("host").asString().equals("there")
                                                    && each.path("policy")
                                                            .asString("")
                                                            .equals("gold")));
            JsonNode end = ended(backUp("there/web"));
            assertThat(end.path("state").asString()).as("%s", log).isEqualTo("made");
            assertThat(points()).hasSize(2).allMatch(each -> each.vm().equals("web"));
            assertThat(points()).anyMatch(each -> each.id().toString().equals(first));
        }
    }

    /// All at the same slot: they share a vault, its pin and the database.
    @Test
    void manyVmsAreBackedUpAtOneSlot() throws IOException {
        List<RealVm> vms = new ArrayList<>();
        try {
            for (int i = 0; i < 6; i++) {
                vms.add(vm("vm" + i));
                vms.getLast().write((long) i << 20, 1 << 20, i + 1);
            }
            try (Service _ = start()) {
                await("found", () -> ask("{'do': 'vm list'}").size() == 6);
                apply(POLICY);
                leap = Duration.ofDays(1);
                await(
                        "jobs",
                        () ->
                                jobs().size() == 6
                                        && jobs().stream()
                                                .allMatch(each ->
                                                        each.path("state")
                                                                .asString()
                                                                .equals("made")));
                assertThat(jobs())
                        .as("%s", log)
                        .allMatch(each -> each.path("attempts").asInt() == 1);
            }
            assertThat(points()).hasSize(6);
        } finally {
            vms.forEach(RealVm::close);
        }
    }

    @Test
    void namesThatOthersTookKeepNobodyFromItsPolicy() throws IOException {
        try (RealVm web = vm("web");
                RealVm thief = vm(web.id());
                RealVm second = vm(web.id() + "@here");
                RealVm _ = vm("zother");
                Service _ = start()) {
            assertThat(List.of(thief.name, second.name)).isNotEmpty();
            await("found", () -> ask("{'do': 'vm list'}").size() == 4);
            apply(POLICY);
            assertThat(ask("{'do': 'vm list'}"))
                    .as("%s", log)
                    .allMatch(each -> each.path("policy").asString("").equals("gold"));
            assertThat(ask("{'do': 'vm list'}"))
                    .extracting(each -> each.path("vm").asString())
                    .doesNotHaveDuplicates();
        }
    }

    @Test
    void clockThatLeaptAndCameBackStopsNoSchedule() throws IOException {
        try (RealVm _ = vm("web");
                Service _ = start()) {
            await("found", () -> !ask("{'do': 'vm list'}").isEmpty());
            apply(POLICY);
            leap = Duration.ofDays(400);
            await("a job", () -> jobs().size() == 1);
            assertThat(ended(jobs().getFirst().path("job").asString()).path("state").asString())
                    .isEqualTo("made");
            leap = Duration.ofDays(1);
            ask("{'do': 'vm release', 'vm': 'web'}");
            apply(POLICY);
            await("another job", () -> jobs().size() == 2);
        }
    }

    private void database(String statement) {
        try (Connection connection =
                        DriverManager.getConnection(
                                "jdbc:sqlite:" + folder.resolve("state/stillpoint.db"));
                Statement work = connection.createStatement()) {
            work.execute("pragma busy_timeout = 5000");
            work.execute(statement);
        } catch (SQLException e) {
            throw new AssertionError(e);
        }
    }

    private List<String> troubles() {
        return ask("{'do': 'status'}").getLast().path("troubles").values().stream()
                .map(JsonNode::asString)
                .toList();
    }

    /// After an update: all that was known is shown, and no snapshot of a job that can't be gone on with now is given up.
    @Test
    void whatVersion1LeftIsShownAndItsJobsWaitForTheirVm() throws Exception {
        Files.createDirectory(
                folder.resolve("state"),
                PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
        Path _ = GoldenDatabase.sqlite(folder.resolve("state/stillpoint.db"));
        // Those that hold nothing, or whose points this vault lacks, would come first.
        database("delete from job where id in ('at-begun', 'at-committed', 'at-finished')");
        leap = Duration.between(Instant.now(), Instant.parse("2026-11-27T23:30:00Z"));
        List<String> waiting = List.of("preparing", "held", "storing", "sealed");
        try (Service _ = start()) {
            assertThat(ask("{'do': 'policy list'}")).hasSize(3);
            assertThat(vmLine("web").path("policy").asString()).isEqualTo("gold");
            await(
                    "tried",
                    () ->
                            jobs().stream()
                                    .anyMatch(each ->
                                            each.path("state").asString().equals("retrying")
                                                    && each.has("code")));
            assertThat(jobs())
                    .extracting(each -> each.path("job").asString())
                    .containsAll(waiting.stream().map(each -> "at-" + each).toList())
                    .hasSize(7);
            assertThat(jobs())
                    .filteredOn(each -> each.path("job").asString().startsWith("at-"))
                    .extracting(each -> each.path("state").asString())
                    .as("%s", log)
                    .isSubsetOf("running", "waiting", "retrying");
        }
        assertThat(column("count(*)", "snapshot is not null")).isEqualTo("4");
        assertThat(column("count(*)", "record like '%\"state\":\"held\"%'")).isEqualTo("1");
    }

    /// The program was set back to an older version in the middle of a job.
    @Test
    void jobOfANewerVersionKeepsItsSnapshotUntilThatVersionGoesOn() throws IOException {
        try (RealVm web = vm("web")) {
            web.write(0, 4 << 20, 7);
            String job;
            try (Service _ = start()) {
                await("found", () -> !ask("{'do': 'vm list'}").isEmpty());
                apply(
                        POLICY.substring(0, POLICY.length() - 1)
                                + ", 'bandwidth': {'at-most': '200K'}}");
                job = backUp("web");
                await(
                        "transfers",
                        () ->
                                ask("{'do': 'job show', 'job': '" + job + "'}")
                                        .getFirst()
                                        .has("scratchTaken"));
            }
            web.write(0, 4 << 20, 8);
            List<String> held = web.traces();
            assertThat(held).anyMatch(each -> each.contains("-cbw-"));
            String record = column("record");
            List<String> newer =
                    List.of(
                            record.replaceFirst("\"format\":1", "\"format\":2"),
                            record.replaceFirst("\"state\":\"storing\"", "\"state\":\"sorting\""),
                            record.replaceFirst("\"configuration\":", "\"settings\":"));
            for (String each : newer) {
                assertThat(each).isNotEqualTo(record);
                database("update job set record = '" + each.replace("'", "''") + "', code = null");
                leap = leap.plus(Duration.ofHours(25));
                try (Service _ = start()) {
                    await("tried", () -> jobs().getFirst().has("code"));
                    JsonNode line = jobs().getFirst();
                    assertThat(line.path("code").asString()).isEqualTo("engine.journal-unreadable");
                    assertThat(line.path("state").asString()).as("%s", line).isEqualTo("retrying");
                    assertThat(line.path("late").asBoolean()).as("%s", line).isTrue();
                }
                assertThat(column("record")).isEqualTo(each);
                assertThat(web.traces()).containsExactlyElementsOf(held);
            }
            database("update job set record = '" + record.replace("'", "''") + "'");
            // No slot is due then.
            leap = Duration.ZERO;
            try (Service _ = start()) {
                apply(POLICY);
                List<JsonNode> _ = ask("{'do': 'job retry', 'job': '" + job + "'}");
                assertThat(ended(job).path("state").asString()).as("%s", log).isEqualTo("made");
            }
            assertThat(restored(points().getFirst())[0]).as("of its instant").isEqualTo((byte) 7);
            assertThat(web.traces()).noneMatch(each -> !each.contains("sp-owner"));
        }
    }

    /// Who gives such a job up ends it: the VM is backed up again, and nothing is left.
    @Test
    void jobOfANewerVersionCanBeGivenUp() throws IOException {
        try (RealVm web = vm("web")) {
            web.write(0, 4 << 20, 7);
            String job;
            try (Service _ = start()) {
                await("found", () -> !ask("{'do': 'vm list'}").isEmpty());
                apply(
                        POLICY.substring(0, POLICY.length() - 1)
                                + ", 'bandwidth': {'at-most': '200K'}}");
                job = backUp("web");
                await(
                        "transfers",
                        () ->
                                ask("{'do': 'job show', 'job': '" + job + "'}")
                                        .getFirst()
                                        .has("scratchTaken"));
            }
            database("update job set record = replace(record, '\"format\":1', '\"format\":2')");
            try (Service _ = start()) {
                apply(POLICY);
                await("tried", () -> jobs().getFirst().has("code"));
                List<JsonNode> _ = ask("{'do': 'job cancel', 'job': '" + job + "'}");
                assertThat(ended(job).path("state").asString())
                        .as("%s", log)
                        .isEqualTo("cancelled");
                assertThat(ended(backUp("web")).path("state").asString())
                        .as("%s", log)
                        .isEqualTo("made");
            }
            assertThat(points()).hasSize(1);
            assertThat(web.traces()).noneMatch(each -> !each.contains("sp-owner"));
        }
    }

    private String column(String name) {
        return column(name, "true");
    }

    private String column(String name, String condition) {
        try (Connection connection =
                        DriverManager.getConnection(
                                "jdbc:sqlite:" + folder.resolve("state/stillpoint.db"));
                Statement work = connection.createStatement();
                ResultSet row =
                        work.executeQuery("select " + name + " from job where " + condition)) {
            return row.getString(1);
        } catch (SQLException e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void policyLeavesOutDisksAndSlowsTransfersDown() throws IOException {
        try (RealVm web = vm("web");
                Service _ = start()) {
            web.write(0, 4 << 20, 7);
            await("found", () -> !ask("{'do': 'vm list'}").isEmpty());
            apply(POLICY.substring(0, POLICY.length() - 1) + ", 'bandwidth': {'at-most': '2M'}}");
            long began = System.nanoTime();
            String slow = backUp("web");
            await(
                    "transfers",
                    () ->
                            ask("{'do': 'job show', 'job': '" + slow + "'}")
                                    .getFirst()
                                    .has("scratchTaken"));
            assertThat(ended(slow).path("state").asString()).as("%s", log).isEqualTo("made");
            assertThat(Duration.ofNanos(System.nanoTime() - began))
                    .isGreaterThan(Duration.ofMillis(1500));
            apply(POLICY.substring(0, POLICY.length() - 1) + ", 'disks': {'without': 'ro*'}}");
            JsonNode end = ended(backUp("web"));
            assertThat(end.path("state").asString()).isEqualTo("failed");
            assertThat(end.path("code").asString()).isEqualTo("vm.all-left-out");
            assertThat(web.traces()).noneMatch(each -> !each.contains("sp-owner"));
        }
    }

    @Test
    void whatNeedsAttentionIsAnAlertUntilItIsOver() throws IOException {
        RealVm web = vm("web");
        try (web;
                Service _ = start()) {
            await("found", () -> !ask("{'do': 'vm list'}").isEmpty());
            apply(POLICY);
            assertThat(ended(backUp("web")).path("state").asString()).isEqualTo("made");
            JsonNode day = ask("{'do': 'summary'}").getFirst();
            assertThat(day.path("made").asInt()).isEqualTo(1);
            assertThat(day.path("failed").asInt()).isZero();
            assertThat(day.path("without")).isEmpty();
            assertThat(day.path("read").asLong()).isPositive();
            assertThat(vmLine("web").path("size").asLong()).isEqualTo(RealVm.DISK_BYTES);
            assertThat(troubles()).isEmpty();

            web.close();
            leap = Duration.ofHours(49);
            await("told", () -> alerts().contains("watch.no-point"));
            assertThat(troubles()).anyMatch(each -> each.contains("No recovery point was made"));
            assertThat(ask("{'do': 'summary'}").getFirst().path("without").toString())
                    .contains("here/web");
            assertThat(log).anyMatch(each -> each.startsWith("ALERT here/"));

            web.restart();
            // It was tried in vain meanwhile.
            leap = Duration.ofHours(50);
            await(
                    "made",
                    () ->
                            jobs().size() == 2
                                    && jobs().getFirst().path("state").asString().equals("made"));
            // The next look comes after a minute.
            leap = Duration.ofHours(50).plusMinutes(2);
            await("over", () -> !alerts().contains("watch.no-point"));
            assertThat(ask("{'do': 'summary'}"))
                    .anyMatch(each ->
                            each.path("alert").asString("").equals("watch.no-point")
                                    && each.has("closedAt"));
        }
    }

    @Test
    void keyFileThatOthersMayReadIsAnAlertUntilItIsClosed() throws IOException {
        Path key = folder.resolve("key");
        Files.setPosixFilePermissions(key, PosixFilePermissions.fromString("rw-r-----"));
        try (Service _ = start()) {
            assertThat(log)
                    .anyMatch(each ->
                            each.startsWith("ALERT " + key) && each.contains("chmod 600 " + key));
            assertThat(troubles()).anyMatch(each -> each.contains("rw-r-----"));
            assertThat(alerts()).containsExactly("watch.open-secret");
            Files.setPosixFilePermissions(key, PosixFilePermissions.fromString("rw-------"));
            assertThat(troubles()).isEmpty();
            leap = Duration.ofMinutes(2);
            await("over", () -> alerts().isEmpty());
        }
    }

    private List<String> alerts() {
        return ask("{'do': 'summary'}").stream()
                .filter(each -> each.has("alert") && !each.has("closedAt"))
                .map(each -> each.path("alert").asString())
                .toList();
    }

    @Test
    void snapshotForWhichTheScratchSpaceWouldNotLastIsNotTaken() throws IOException {
        config =
                ConfigFile.read(
                        Files.writeString(
                                folder.resolve("wide.yaml"),
                                Files.readString(folder.resolve("stillpoint.yaml"))
                                        .replace("scratch-limit: 1G", "scratch-limit: 900T")));
        try (RealVm web = vm("web");
                Service _ = start()) {
            await("found", () -> !ask("{'do': 'vm list'}").isEmpty());
            apply(POLICY);
            String first = backUp("web");
            assertThat(ended(first).path("state").asString()).isEqualTo("made");
            // As if its guest had overwritten more in a second than any host has.
            database("update job set scratch_bytes = 1000000000000000, held_ms = 1000");
            database("update point set size = 1000000000000000000");
            String job = backUp("web");
            await("waits", () -> jobs().getFirst().path("state").asString().equals("retrying"));
            assertThat(jobs().getFirst().path("code").asString()).isEqualTo("job.no-scratch");
            assertThat(web.traces()).noneMatch(each -> !each.contains("sp-owner"));
            assertThat(troubles()).anyMatch(each -> each.contains("scratch space"));
            ask("{'do': 'job cancel', 'job': '" + job + "'}");
            assertThat(ended(job).path("state").asString()).isEqualTo("cancelled");
            database("update job set scratch_bytes = 0");
            assertThat(ended(backUp("web")).path("state").asString()).isEqualTo("made");
        }
    }

    /// Of another machine, made without the service under the name that a VM has here.
    @Test
    void pointsOfAnotherMachineAreNeverTakenForAVmsOwn() throws IOException {
        Path image = Files.write(folder.resolve("old.raw"), new byte[1 << 20]);
        try (Vault vault = vault();
                JobVm off =
                        JobVm.of(
                                StoppedImages.of(
                                        "web",
                                        List.of(ImageFile.of(image).withFormat("raw")),
                                        Threads.ofProcess()))) {
            BackupSettings settings =
                    new BackupSettings(
                            "web",
                            new BackupPolicy(
                                    Consistency.CRASH,
                                    new RestLimits(Duration.ofSeconds(9), Duration.ofSeconds(9)),
                                    BackupPolicy.Vss.EXTENSION,
                                    false,
                                    Optional.empty()),
                            Optional.empty(),
                            new ScratchSettings(folder.resolve("scratch"), ByteSize.parse("1G")),
                            "test");
            RecoveryPoint _ =
                    new BackupJob(
                                    vault,
                                    off,
                                    settings,
                                    new JobTools(
                                            new MemoryJournal(),
                                            JobEvents.SILENT,
                                            new Cancellation(),
                                            InstantSource.system(),
                                            Randomness.secure(),
                                            Threads.ofProcess()))
                            .run()
                            .orThrow();
        }
        try (RealVm web = vm("web");
                Service _ = start()) {
            await("found", () -> !ask("{'do': 'vm list'}").isEmpty());
            apply(POLICY);
            assertThat(vmLine("web").has("lastPoint")).isFalse();
            assertThat(ask("{'do': 'point list', 'vm': 'web'}")).isEmpty();
            assertThat(ended(backUp("web")).path("state").asString())
                    .as("%s", log)
                    .isEqualTo("made");
            assertThat(points())
                    .extracting(RecoveryPoint::vm)
                    .containsExactlyInAnyOrder("web", web.id());
            List<JsonNode> answer =
                    ask(
                            "{'do': 'vm unprotect', 'vm': 'web', 'deletePoints': true, 'confirmed': true}");
            assertThat(answer.getLast().path("forgotten").asInt()).isEqualTo(1);
            assertThat(points()).extracting(RecoveryPoint::vm).containsExactly("web");
        }
    }

    private Vault vault() {
        return Vault.open(
                new LocalStore(folder.resolve("vault")),
                KeyFile.read(folder.resolve("key")),
                surroundings());
    }

    @Test
    void vaultThatIsNotThereIsShownAtOnceAndItsJobsWait() throws IOException {
        Files.move(folder.resolve("vault"), folder.resolve("away"));
        try (RealVm _ = vm("web");
                Service _ = start()) {
            await("shown", () -> troubles().isEmpty() && vaultLine().has("trouble"));
            apply(POLICY);
            String job = backUp("web");
            await("waits", () -> jobs().getFirst().path("state").asString().equals("retrying"));
            assertThat(jobs().getFirst().path("code").asString()).isEqualTo("job.vault-away");
            Files.move(folder.resolve("away"), folder.resolve("vault"));
            assertThat(
                            ask("{'do': 'job retry', 'job': '" + job + "'}")
                                    .getFirst()
                                    .path("asked")
                                    .asBoolean())
                    .isTrue();
            assertThat(ended(job).path("state").asString()).as("%s", log).isEqualTo("made");
            assertThat(vaultLine().has("trouble")).isFalse();
        }
    }

    private JsonNode vaultLine() {
        return ask("{'do': 'status'}").stream()
                .filter(each -> each.has("vault"))
                .findFirst()
                .orElseThrow();
    }

    @Test
    void vmWithoutPointsMayChangeItsVault() throws IOException {
        config =
                config(
                        "",
                        "  other: { location: FOLDER/other, key-file: FOLDER/key }\n"
                                .replace("FOLDER", folder.toString()));
        try (RealVm _ = vm("web");
                Service _ = start()) {
            await("found", () -> !ask("{'do': 'vm list'}").isEmpty());
            apply(POLICY.replace("main", "other"));
            assertThat(vmLine("web").path("vault").asString()).isEqualTo("other");
            String waiting = backUp("web");
            await("waits", () -> jobs().getFirst().path("state").asString().equals("retrying"));
            apply(POLICY);
            assertThat(vmLine("web").path("vault").asString()).isEqualTo("main");
            leap = Duration.ofMinutes(2);
            assertThat(ended(waiting).path("state").asString()).as("%s", log).isEqualTo("made");
            assertThat(ended(backUp("web")).path("state").asString())
                    .as("%s", log)
                    .isEqualTo("made");
            // From now on it stays, and that is told.
            apply(POLICY.replace("main", "other"));
            assertThat(vmLine("web").path("vault").asString()).isEqualTo("main");
            assertThat(vmLine("web").path("policy").asString()).isEqualTo("gold");
            assertThat(troubles()).anyMatch(each -> each.contains("keeps points in vault other"));
            assertThat(ended(backUp("web")).path("state").asString()).isEqualTo("made");
        }
    }

    @Test
    void changeOfPoliciesTellsWhichVmsItTouches() throws IOException {
        try (RealVm _ = vm("web");
                RealVm _ = vm("db");
                Service _ = start()) {
            await("found", () -> ask("{'do': 'vm list'}").size() == 2);
            apply(POLICY);
            String webOnly = POLICY.replace("'*'", "'web'").replace("'daily': 7", "'daily': 9");
            JsonNode change =
                    ask("{'do': 'policy preview', 'policies': [" + webOnly + "]}").getFirst();
            assertThat(change.path("keys").toString())
                    .contains("retention.daily: 7, now 9")
                    .contains("select.names");
            assertThat(change.path("loses").toString()).isEqualTo("[\"here/db\"]");
            assertThat(change.path("gains")).isEmpty();
            assertThatThrownBy(() -> apply(webOnly))
                    .hasMessageContaining("here/db")
                    .hasMessageContaining("--yes");
            assertThat(vmLine("db").path("policy").asString()).isEqualTo("gold");
            ask("{'do': 'policy apply', 'policies': [" + webOnly + "], 'confirmed': true}");
            assertThat(vmLine("db").has("policy")).isFalse();

            apply(POLICY.replace("gold", "silver"));
            assertThat(vmLine("db").path("policy").asString()).isEqualTo("silver");
            List<JsonNode> removed = ask("{'do': 'policy remove', 'policy': 'gold'}");
            assertThat(removed.getFirst().path("vm").asString()).isEqualTo("here/web");
            assertThat(removed.getFirst().path("policy").asString()).isEqualTo("silver");
            assertThatThrownBy(() -> ask("{'do': 'policy remove', 'policy': 'silver'}"))
                    .hasMessageContaining("here/web");
            ask("{'do': 'policy remove', 'policy': 'silver', 'confirmed': true}");
            assertThat(vmLine("web").has("policy")).isFalse();
        }
    }

    @Test
    void vmThatIsRenamedKeepsItsPolicyAndThatIsTold() throws IOException {
        try (RealVm web = vm("web");
                Service _ = start()) {
            await("found", () -> !ask("{'do': 'vm list'}").isEmpty());
            String byName = POLICY.replace("'*'", "'web'");
            apply(byName);
            assertThat(ended(backUp("web")).path("state").asString()).isEqualTo("made");
            web.rename("www");
            leap = Duration.ofMinutes(2);
            await(
                    "told",
                    () -> troubles().stream().anyMatch(each -> each.contains("calls itself www")));
            assertThat(vmLine("web").path("policy").asString()).isEqualTo("gold");
            assertThatThrownBy(() -> apply(byName)).hasMessageContaining("here/web");
            apply(POLICY.replace("'*'", "['web', 'www']"));
            assertThat(troubles()).isEmpty();
        }
    }

    @Test
    void jobThatHasNotBegunEndsAtOnceAndIsNotAskedForTwice() throws IOException {
        Files.move(folder.resolve("vault"), folder.resolve("away"));
        try (RealVm _ = vm("web");
                Service _ = start()) {
            await("found", () -> !ask("{'do': 'vm list'}").isEmpty());
            apply(POLICY);
            String first = backUp("web");
            await("waits", () -> jobs().getFirst().path("state").asString().equals("retrying"));
            String second = backUp("web");
            assertThat(second).isNotEqualTo(first);
            assertThat(backUp("web")).isEqualTo(second);
            JsonNode answer = ask("{'do': 'job cancel', 'job': '" + second + "'}").getFirst();
            assertThat(answer.path("state").asString()).isEqualTo("cancelled");
            ask("{'do': 'job cancel', 'job': '" + first + "'}");
            assertThat(ended(first).path("state").asString()).isEqualTo("cancelled");
        }
    }

    @Test
    void idOfAVmCountsMoreThanTheNamesOfOthers() throws IOException {
        try (RealVm victim = vm("db");
                RealVm _ = vm(victim.id());
                RealVm _ = RealVm.start(folder.resolve("vms").resolve("twin"), "db");
                Service _ = start()) {
            await("found", () -> ask("{'do': 'vm list'}").size() == 3);
            apply(POLICY);
            assertThatThrownBy(() -> backUp("db")).hasMessageContaining("here/" + victim.id());
            JsonNode end = ended(backUp(victim.id()));
            assertThat(end.path("state").asString()).as("%s", log).isEqualTo("made");
            assertThat(end.path("vm").asString()).isEqualTo("db");
            assertThat(ended(backUp("db")).path("vm").asString()).isEqualTo("db");
            assertThat(points()).extracting(RecoveryPoint::vm).containsOnly("db");
        }
    }

    @Test
    void whatNobodyMeansIsRefusedBeforeItHarms() throws IOException {
        try (RealVm _ = vm("web");
                Service _ = start()) {
            await("found", () -> !ask("{'do': 'vm list'}").isEmpty());
            apply(POLICY);
            for (String keep : List.of("99999999d", "0d", "-1d", "1s")) {
                assertThatThrownBy(
                                () -> ask("{'do': 'backup', 'vm': 'web', 'keep': '" + keep + "'}"))
                        .isInstanceOf(ControlException.class);
            }
            assertThatThrownBy(() ->
                            ask(
                                    "{'do': 'backup', 'vm': 'web', 'reason': '"
                                            + "x".repeat(2000)
                                            + "'}"))
                    .hasMessageContaining("1000 characters");
            assertThat(jobs()).isEmpty();
            assertThatThrownBy(() ->
                            ask(
                                    "{'do': 'vm tag', 'vm': 'web', 'tags': {'a': '"
                                            + "x".repeat(200)
                                            + "'}}"))
                    .hasMessageContaining("128");
        }
    }

    /// For its questions the database is away; at any moment of a job.
    @Test
    void databaseThatGoesAwayIsShownAndStopsNoJob() throws IOException {
        try (RealVm web = vm("web");
                Service _ = start()) {
            await("found", () -> !ask("{'do': 'vm list'}").isEmpty());
            apply(POLICY);
            for (int round = 0; round < 5; round++) {
                web.write((long) round << 20, 1 << 20, round + 1);
                String job = backUp("web");
                LockSupport.parkNanos(round * 60_000_000L);
                database("alter table job rename to away");
                await("shown", () -> !troubles().isEmpty());
                assertThat(ask("{'do': 'status'}"))
                        .anyMatch(each -> each.has("host"))
                        .anyMatch(each -> each.has("vault"));
                database("alter table away rename to job");
                JsonNode end = ended(job);
                assertThat(end.path("state").asString()).as("%s", log).isEqualTo("made");
                assertThat(points()).as("%s", log).hasSize(round + 1);
                await("well", () -> troubles().isEmpty());
            }
            assertThat(web.traces()).noneMatch(each -> !each.contains("sp-owner"));
        }
    }

    @Test
    void whatIsNoSocketOfOursStaysAndStopsTheStart() throws IOException {
        Path precious = Files.writeString(folder.resolve("control.sock"), "precious");
        assertThatThrownBy(this::start).hasMessageContaining(precious.toString());
        assertThat(precious).hasContent("precious");
        Files.delete(precious);
        Files.setPosixFilePermissions(
                folder.resolve("state"), PosixFilePermissions.fromString("rwxrwxrwx"));
        assertThatThrownBy(this::start)
                .isInstanceOf(ServiceException.class)
                .hasMessageContaining("other users");
    }

    @Test
    void secondServiceOfAStateFolderIsRefused() {
        try (Service _ = start()) {
            assertThatThrownBy(this::start).isInstanceOf(ServiceException.class);
            assertThat(ask("{'do': 'status'}")).isNotEmpty();
        }
        start().close();
    }

    @Test
    void secondServiceOfADatabaseFileIsRefused() throws IOException {
        ServiceConfig first = config;
        try (Service _ = start()) {
            config =
                    ConfigFile.read(
                            Files.writeString(
                                    folder.resolve("second.yaml"),
                                    Files.readString(folder.resolve("stillpoint.yaml"))
                                                    .replace("name: test", "name: second")
                                                    .replace("/state", "/state2")
                                                    .replace("control.sock", "control2.sock")
                                            + "database: { file: "
                                            + folder.resolve("state/stillpoint.db")
                                            + " }\n"));
            assertThatThrownBy(this::start)
                    .isInstanceOf(ServiceException.class)
                    .hasMessageContaining("stillpoint.db");
            assertThat(ask("{'do': 'status'}")).isNotEmpty();
        }
        config = first;
        start().close();
    }

    @Test
    void requestsThatMakeNoSenseAreRefused() {
        try (Service _ = start()) {
            assertThatThrownBy(() -> ask("{'do': 'vm.lst'}")).hasMessageContaining("vm list");
            assertThatThrownBy(() -> ask("{}")).hasMessageContaining("possible");
            assertThat(answer("x".repeat((1 << 20) + 1))).contains("more than 1048576 bytes");
            assertThatThrownBy(() -> ask("{'do': 'job show', 'job': 'x'}"))
                    .hasMessageContaining("There is no job x");
            assertThatThrownBy(() -> apply(POLICY.replace("main", "mian")))
                    .hasMessageContaining("Did you mean main?");
            assertThatThrownBy(() -> apply("{'name': 'x'}")).hasMessageContaining("vault");
            assertThatThrownBy(() -> apply(POLICY + ", " + POLICY))
                    .hasMessageContaining("two policies");
        }
    }

    /// To something that no command of ours sends.
    private String answer(String request) {
        try (SocketChannel channel =
                SocketChannel.open(UnixDomainSocketAddress.of(folder.resolve("control.sock")))) {
            ByteBuffer bytes = ByteBuffer.wrap(request.getBytes(StandardCharsets.UTF_8));
            while (bytes.hasRemaining()) {
                int _ = channel.write(bytes);
            }
            channel.shutdownOutput();
            return new String(
                    Channels.newInputStream(channel).readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void serversOfOneDatabaseDivideTheirHosts() throws IOException {
        try (EmbeddedPostgres server = EmbeddedPostgres.builder().start();
                RealVm web = vm("web")) {
            config =
                    config(
                            "database: { url: 'jdbc:postgresql://localhost:"
                                    + server.getPort()
                                    + "/postgres', user: postgres }");
            web.write(0, 65_536, 3);
            try (Service _ = start()) {
                await("found", () -> !ask("{'do': 'vm list'}").isEmpty());
                apply(POLICY);
                assertThat(ended(backUp("web")).path("state").asString())
                        .as("%s", log)
                        .isEqualTo("made");
                // Another of the same name would take the first one's jobs for its own.
                ServiceConfig first = config;
                config =
                        ConfigFile.read(
                                Files.writeString(
                                        folder.resolve("second.yaml"),
                                        Files.readString(folder.resolve("stillpoint.yaml"))
                                                .replace("/state", "/state2")
                                                .replace("control.sock", "control2.sock")));
                assertThatThrownBy(this::start)
                        .isInstanceOf(ServiceException.class)
                        .hasMessageContaining("name");
                config =
                        ConfigFile.read(
                                Files.writeString(
                                        folder.resolve("second.yaml"),
                                        Files.readString(folder.resolve("second.yaml"))
                                                .replace("name: test", "name: second")
                                                .replace("here:", "there:")
                                                .replace("/vms/", "/none/")));
                try (Service _ = start()) {
                    // The second knows what the first does, and takes none of it.
                    client = new ControlClient(folder.resolve("control2.sock"));
                    assertThat(ask("{'do': 'vm list'}")).hasSize(1);
                    assertThat(ended(backUp("web")).path("state").asString())
                            .as("%s", log)
                            .isEqualTo("made");
                }
                config = first;
            }
        }
    }

    private List<JsonNode> snapshots() {
        return ask("{'do': 'snapshot list'}");
    }

    /// What `stillpoint snapshot restore` does.
    private byte[] restoredFrom(String snapshot) throws IOException {
        return restoredFrom(snapshot, 0);
    }

    /// @param more how many bytes more than are served the disk is said to have
    private byte[] restoredFrom(String snapshot, long more) throws IOException {
        Path file = folder.resolve("from-" + snapshot + "-" + System.nanoTime() + ".raw");
        String which = "'vm': 'web', 'snapshot': '" + snapshot + "'";
        SnapshotRestore.Server server =
                new SnapshotRestore.Server() {
                    @Override
                    public LocalSnapshots.Exported serve() {
                        JsonNode served = ask("{'do': 'snapshot serve', " + which + "}").getFirst();
                        List<SnapshotDescriptor.Disk> disks = new ArrayList<>();
                        for (JsonNode disk : served.path("disks")) {
                            disks.add(
                                    new SnapshotDescriptor.Disk(
                                            disk.path("name").asString(),
                                            disk.path("size").asLong() + more,
                                            disk.path("format").asString(),
                                            Optional.empty(),
                                            Optional.of(disk.path("export").asString()),
                                            Optional.empty()));
                        }
                        return new LocalSnapshots.Exported(
                                Path.of(served.path("socket").asString()), disks);
                    }

                    @Override
                    public boolean prove() {
                        return ask("{'do': 'snapshot prove', 'over': true, " + which + "}")
                                .getFirst()
                                .path("valid")
                                .asBoolean();
                    }
                };
        new SnapshotRestore(
                        server,
                        new JobId("restore"),
                        JobEvents.SILENT,
                        new Cancellation(),
                        Threads.ofProcess())
                .run(
                        List.of(
                                new RestoreTask(
                                        server.serve().disks().getFirst().name(),
                                        file,
                                        RestoreTask.Form.RAW)));
        return Files.readAllBytes(file);
    }

    private byte[] pointOf(String job) {
        String id =
                jobs().stream()
                        .filter(each -> each.path("job").asString().equals(job))
                        .findFirst()
                        .orElseThrow()
                        .path("point")
                        .asString();
        return restored(
                points().stream()
                        .filter(each -> each.id().toString().equals(id))
                        .findFirst()
                        .orElseThrow());
    }

    @Test
    void snapshotsStayAfterTheirPointsUntilTheirTimeIsOver() throws IOException {
        try (RealVm web = vm("web")) {
            List<String> jobs = new ArrayList<>();
            try (Service _ = start()) {
                await("found", () -> !ask("{'do': 'vm list'}").isEmpty());
                // No slot comes while the clock leaps.
                apply(
                        POLICY.replace("02:00", at(-60))
                                .replace("'retention'", "'local-snapshots': '2h', 'retention'"));
                for (int i = 0; i < 3; i++) {
                    web.write(i * 65_536L, 200_000, 20 + i);
                    web.write((5L + i) << 20, 65_536, 40 + i);
                    String job = backUp("web");
                    assertThat(ended(job).path("state").asString()).as("%s", log).isEqualTo("made");
                    jobs.addFirst(job);
                }
                web.write(0, 2 << 20, 99);
                assertThat(snapshots()).hasSize(3);
                // What sweeps and direct backups on this machine leave alone.
                assertThat(ask("{'do': 'snapshot kept'}").getFirst().path("names")).hasSize(3);
            }
            // They outlive the service.
            try (Service _ = start()) {
                List<JsonNode> snapshots = snapshots();
                assertThat(snapshots).hasSize(3);
                for (int i = 0; i < 3; i++) {
                    assertThat(restoredFrom(snapshots.get(i).path("snapshot").asString()))
                            .as("snapshot %s", i)
                            .isEqualTo(pointOf(jobs.get(i)));
                }
                assertThat(web.traces()).noneMatch(each -> each.startsWith("export"));
                // One more job on top of them, incremental as ever.
                JsonNode fourth = ended(backUp("web"));
                assertThat(fourth.path("state").asString()).as("%s", log).isEqualTo("made");
                assertThat(why(fourth))
                        .anyMatch(each -> each.contains("only what changed was read."));
                assertThat(restoredFrom(snapshots.getLast().path("snapshot").asString()))
                        .isEqualTo(pointOf(jobs.getLast()));
                ask(
                        "{'do': 'snapshot end', 'vm': 'web', 'snapshot': '"
                                + snapshots.getLast().path("snapshot").asString()
                                + "'}");
                assertThat(snapshots()).hasSize(3);
                // What was read is kept for six hours at least.
                leap = Duration.ofHours(7);
                await("over", () -> snapshots().isEmpty());
                assertThat(web.traces()).noneMatch(each -> !each.contains("sp-owner"));
                assertThat(ask("{'do': 'snapshot list', 'ended': true}"))
                        .hasSize(4)
                        .allMatch(each -> !each.path("why").asString().isEmpty());
                assertThatThrownBy(() ->
                                restoredFrom(snapshots.getFirst().path("snapshot").asString()))
                        .hasMessageContaining("web has no snapshot");
            }
        }
    }

    private static String at(int minutes) {
        return LocalTime.now(ZoneOffset.UTC)
                .plusMinutes(minutes)
                .truncatedTo(ChronoUnit.MINUTES)
                .toString();
    }

    @Test
    void snapshotOfAJobThatWaitsIsRestoredFrom() throws IOException {
        try (RealVm web = vm("web");
                Service _ = start()) {
            await("found", () -> !ask("{'do': 'vm list'}").isEmpty());
            web.write(0, 3 << 20, 7);
            apply(
                    POLICY.replace(
                            "'retention'",
                            "'peak': {'from': '"
                                    + at(-60)
                                    + "', 'to': '"
                                    + at(600)
                                    + "'}, 'retention'"));
            String job = backUp("web");
            await("waits", () -> jobs().getFirst().path("state").asString().equals("waiting"));
            web.write(0, 5 << 20, 8);
            JsonNode snapshot = snapshots().getFirst();
            assertThat(snapshot.path("state").asString()).isEqualTo("job");
            byte[] content = restoredFrom(snapshot.path("snapshot").asString());
            assertThat(content[0]).isEqualTo((byte) 7);
            assertThat(content[(3 << 20) - 1]).isEqualTo((byte) 7);
            assertThat(content[3 << 20]).isEqualTo((byte) 0);
            ask("{'do': 'job cancel', 'job': '" + job + "'}");
            assertThat(ended(job).path("state").asString()).isEqualTo("cancelled");
            assertThat(snapshots()).isEmpty();
            assertThat(web.traces()).noneMatch(each -> !each.contains("sp-owner"));
        }
    }

    @Test
    void whatIsServedMustBeTheSnapshotsAndNobodyElses() throws IOException {
        try (RealVm web = vm("web");
                Service _ = start()) {
            await("found", () -> !ask("{'do': 'vm list'}").isEmpty());
            web.write(0, 65_536, 7);
            apply(POLICY.replace("'retention'", "'local-snapshots': '2d', 'retention'"));
            assertThat(ended(backUp("web")).path("state").asString()).isEqualTo("made");
            String snapshot = snapshots().getFirst().path("snapshot").asString();
            assertThatThrownBy(() -> restoredFrom(snapshot, 65_536))
                    .hasMessageContaining(Long.toString(RealVm.DISK_BYTES));
            Set<PosixFilePermission> before = Files.getPosixFilePermissions(folder);
            Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwxrwxrwx"));
            assertThatThrownBy(() -> restoredFrom(snapshot)).hasMessageContaining("other users");
            Files.setPosixFilePermissions(folder, before);
            assertThat(restoredFrom(snapshot)[0]).isEqualTo((byte) 7);
            try (var files = Files.list(folder)) {
                assertThat(files.filter(each -> each.toString().contains("from-"))).hasSize(1);
            }
        }
    }

    /// What the last look saw a minute ago does not count.
    @Test
    void snapshotOfAVmThatHasJustStartedStays() throws IOException {
        try (Service _ = start()) {
            try (RealVm _ = vm("web")) {
                leap = Duration.ofMinutes(2);
                await("found", () -> !ask("{'do': 'vm list'}").isEmpty());
                apply(POLICY.replace("'retention'", "'local-snapshots': '2d', 'retention'"));
                assertThat(ended(backUp("web")).path("state").asString()).isEqualTo("made");
            }
            leap = Duration.ofMinutes(4);
            await("off", () -> snapshots().isEmpty());
            try (RealVm web = vm("web")) {
                web.write(0, 65_536, 9);
                assertThat(ended(backUp("web")).path("state").asString()).isEqualTo("made");
                String snapshot = snapshots().getFirst().path("snapshot").asString();
                // Two looks after local snapshots.
                LockSupport.parkNanos(Duration.ofSeconds(5).toNanos());
                assertThat(snapshots())
                        .anyMatch(each -> each.path("snapshot").asString().equals(snapshot));
                assertThat(restoredFrom(snapshot)[0]).isEqualTo((byte) 9);
            }
        }
    }

    @Test
    void localSnapshotsEndWithTheirVmAndThatIsSaid() throws IOException {
        try (RealVm web = vm("web")) {
            try (Service _ = start()) {
                await("found", () -> !ask("{'do': 'vm list'}").isEmpty());
                apply(POLICY.replace("'retention'", "'local-snapshots': '2d', 'retention'"));
                assertThat(ended(backUp("web")).path("state").asString()).isEqualTo("made");
                assertThat(snapshots()).hasSize(1);
                web.close();
                leap = Duration.ofMinutes(2);
                await("ended", () -> snapshots().isEmpty());
                assertThat(
                                ask("{'do': 'snapshot list', 'ended': true}")
                                        .getFirst()
                                        .path("why")
                                        .asString())
                        .isEqualTo("The VM was powered off.");
                try (var left = Files.list(folder.resolve("scratch"))) {
                    assertThat(left).noneMatch(each -> each.toString().endsWith(".qcow2"));
                }
            }
        }
    }
}
