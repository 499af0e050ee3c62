package io.stillpoint.guest.extension;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stillpoint.platform.Json;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class FolderExtensionRecordsTest {
    @TempDir Path folder;

    private FolderExtensionRecords records() {
        return new FolderExtensionRecords(folder.resolve("state"));
    }

    private static ExtensionRecord of(String vm, int vssPassedOver) {
        return new ExtensionRecord(
                vm,
                ExtensionType.VM_SNAPSHOT,
                new ExtensionVersion(1, 2, 3),
                "enabled",
                false,
                List.of(new Health.Check("service", false, "stopped")),
                Instant.parse("2026-11-21T03:00:00.5Z"),
                vssPassedOver);
    }

    private Path file(String name) {
        return folder.resolve("state/extensions").resolve(name);
    }

    @Test
    void whatIsSavedIsFoundByLaterRuns() throws IOException {
        records().save(of("web", 0));
        records().save(of("db", 3));
        records().save(of("web", 2));

        assertThat(records().of("web")).contains(of("web", 2));
        assertThat(records().of("other")).isEmpty();
        assertThat(records().all()).containsExactly(of("db", 3), of("web", 2));
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file("web.json"))))
                .isEqualTo("rw-------");
    }

    @Test
    void noneIsKnownInAFolderThatIsNotThere() {
        assertThat(records().all()).isEmpty();
        assertThat(records().of("web")).isEmpty();
        assertThat(records().remove("web")).isFalse();
    }

    @Test
    void oneThatWasRemovedIsGone() {
        records().save(of("web", 0));
        assertThat(records().remove("web")).isTrue();
        assertThat(records().of("web")).isEmpty();
        assertThat(records().remove("web")).isFalse();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                ".",
                "..",
                "../../etc/passwd",
                ".hidden",
                "a b",
                "a%20b",
                "ü",
                "\u0000",
                "a\nb",
                "C:\\x",
                "*",
                "~"
            })
    void everyNameHasAFileOfItsOwnInTheFolder(String vm) throws IOException {
        records().save(of(vm, 1));
        records().save(of("plain", 2));

        assertThat(records().of(vm)).contains(of(vm, 1));
        assertThat(records().all()).hasSize(2);
        try (Stream<Path> files = Files.list(file(""))) {
            assertThat(files).hasSize(2);
        }
    }

    @Test
    void longNamesAreToldApart() {
        String begin = "x".repeat(5000);
        records().save(of(begin + "1", 1));
        records().save(of(begin + "2", 2));

        assertThat(records().of(begin + "1")).contains(of(begin + "1", 1));
        assertThat(records().of(begin + "2")).contains(of(begin + "2", 2));
        assertThat(records().all()).hasSize(2);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "{", "{}", "[]", "null"})
    void aDamagedOneIsToldAndNeverTakenForNone(String content) throws IOException {
        records().save(of("web", 3));
        Files.writeString(file("web.json"), content);

        requireUnreadable(() -> records().of("web"));
        requireUnreadable(() -> records().all());
        assertThat(file("web.json")).hasContent(content);
        records().save(of("web", 0));
        assertThat(records().of("web")).contains(of("web", 0));
    }

    @Test
    void oneOfAnotherVmIsNotTakenForThisOnes() throws IOException {
        records().save(of("web", 3));
        Files.move(file("web.json"), file("db.json"));
        requireUnreadable(() -> records().of("db"));
    }

    private void requireUnreadable(Runnable read) {
        assertThatThrownBy(read::run)
                .isInstanceOfSatisfying(
                        ExtensionException.class,
                        e -> {
                            assertThat(e.code()).isEqualTo("extension.record-unreadable");
                            assertThat(e.getMessage()).contains(".json", "delete it");
                        });
    }

    @Test
    void whatACrashLeftBesideIsNoRecord() throws IOException {
        records().save(of("web", 1));
        byte[] whole = Files.readAllBytes(file("web.json"));
        // A process that died between writing and renaming, at any byte.
        for (int length = 0; length < whole.length; length += 7) {
            Files.write(file(".new-" + length), Arrays.copyOf(whole, length));
        }

        assertThat(records().all()).containsExactly(of("web", 1));
        records().save(of("web", 2));
        assertThat(records().of("web")).contains(of("web", 2));
    }

    @Test
    void whoReadsWhileOthersSaveFindsAWholeOne() throws InterruptedException {
        records().save(of("web", 0));
        AtomicBoolean stop = new AtomicBoolean();
        Thread writer =
                Thread.ofPlatform()
                        .start(() -> {
                            for (int i = 0; !stop.get(); i++) {
                                records().save(of("web", i % 4));
                            }
                        });
        try {
            for (int i = 0; i < 500; i++) {
                assertThat(records().of("web")).isPresent();
                assertThat(records().all()).hasSize(1);
            }
        } finally {
            stop.set(true);
            writer.join();
        }
    }

    @Test
    void aFolderThatCantBeWrittenIsTold() throws IOException {
        Files.writeString(folder.resolve("state"), "a file");
        assertThatThrownBy(() -> records().save(of("web", 0)))
                .isInstanceOfSatisfying(
                        ExtensionException.class,
                        e -> assertThat(e.code()).isEqualTo("extension.state-unwritable"));
    }

    @Test
    void vssIsPassedOverThreeTimesAtMost() {
        assertThatIllegalArgumentException().isThrownBy(() -> of("web", 4));
        assertThatIllegalArgumentException().isThrownBy(() -> of("web", -1));
        assertThatIllegalArgumentException()
                .isThrownBy(() ->
                        ExtensionRecord.parse(
                                new String(Json.bytes(of("web", 3).json()), StandardCharsets.UTF_8)
                                        .replace("\"vssPassedOver\":3", "\"vssPassedOver\":9")
                                        .getBytes(StandardCharsets.UTF_8)));
    }
}
