package io.stillpoint.integration;

import static org.assertj.core.api.Assertions.assertThat;

import io.stillpoint.platform.MemoryBudget;
import io.stillpoint.vault.session.BackupSession;
import io.stillpoint.vault.session.VaultSettings;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// The `stillpoint` script in the surroundings of schedulers. What it starts is no Java but a program that tells how it was
/// started; all else is the script itself.
final class ScriptTest {
    private static final String PATH = "PATH=/usr/bin:/bin";

    @TempDir private Path folder = Path.of("");

    @BeforeEach
    void makeACheckoutThatIsBuilt() throws IOException {
        Path script = folder.resolve("stillpoint");
        Files.copy(Path.of("..", "stillpoint"), script);
        Files.setPosixFilePermissions(script, PosixFilePermissions.fromString("rwxr-xr-x"));
        Files.createDirectories(folder.resolve("cli/src/main"));
        Files.createFile(folder.resolve("cli/pom.xml"));
        Files.createFile(folder.resolve("pom.xml"));
        Files.createDirectories(folder.resolve("extensions/build"));
        Path built = Files.createDirectories(folder.resolve(".stillpoint/lib"));
        Files.createFile(built.resolve("a.jar"));
        Files.writeString(
                built.resolve("heap"),
                IntStream.rangeClosed(1, 128)
                        .mapToObj(processors -> MemoryBudget.heapFor(processors) + "\n")
                        .collect(Collectors.joining()));
        Files.createFile(folder.resolve(".stillpoint/stamp"));
        Path programs = Files.createDirectories(folder.resolve("jdk/bin"));
        program(programs.resolve("javac"), "");
        program(
                programs.resolve("java"),
                "umask; echo \"LC_ALL=$LC_ALL LC_CTYPE=$LC_CTYPE HOME=$HOME\"; printf '%s\\n' \"$@\"");
        Files.writeString(folder.resolve("jdk/release"), "JAVA_VERSION=\"25.0.1\"\n");
    }

    private static void program(Path file, String body) throws IOException {
        Files.writeString(file, "#!/bin/sh\n" + body + "\n");
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-xr-x"));
    }

    /// Its output, after it has ended with 0.
    private String run(String umask, String... environment) throws Exception {
        return run(List.of("points", "--vm", "x"), umask, environment);
    }

    private String run(List<String> command, String umask, String... environment) throws Exception {
        List<String> line =
                new ArrayList<>(
                        List.of("sh", "-c", "umask " + umask + "; exec \"$@\"", "sh", "env", "-i"));
        line.addAll(List.of(environment));
        line.add("JAVA_HOME=" + folder.resolve("jdk"));
        line.add(folder.resolve("stillpoint").toString());
        line.addAll(command);
        Path out = folder.resolve("out");
        Process process =
                new ProcessBuilder(line)
                        .redirectErrorStream(true)
                        .redirectOutput(out.toFile())
                        .start();
        int status = process.waitFor();
        String said = Files.readString(out, StandardCharsets.UTF_8);
        assertThat(status).as(said).isZero();
        return said;
    }

    @Test
    void itStartsWithNothingButAPath() throws Exception {
        assertThat(run("022", PATH)).contains("points\n--vm\nx\n").doesNotContain("unbound");
    }

    @Test
    void itStartsWithNothingAtAll() throws Exception {
        assertThat(run("022")).contains("points\n--vm\nx\n");
    }

    @Test
    void withoutHomeItTakesThatOfTheUser() throws Exception {
        assertThat(run("022", PATH)).contains("HOME=" + System.getProperty("user.home") + "\n");
    }

    @ParameterizedTest
    @CsvSource({"LANG=C", "LC_ALL=C", "LC_ALL=POSIX", "LANG=xx_XX.UTF-8", "LC_CTYPE=C"})
    void aLocaleWithoutLettersIsReplacedByOneOfUtf8(String locale) throws Exception {
        assertThat(run("022", PATH, locale)).containsPattern("LC_(ALL|CTYPE)=C\\.(UTF-8|utf8)");
    }

    @Test
    void aLocaleWithLettersOfItsOwnStays() throws Exception {
        program(folder.resolve("jdk/bin/locale"), "echo ISO-8859-15");

        assertThat(run("022", "PATH=" + folder.resolve("jdk/bin") + ":/usr/bin:/bin", "LANG=de_DE"))
                .contains("LC_ALL= LC_CTYPE= ");
    }

    @ParameterizedTest
    @CsvSource({"000,0022", "022,0022", "077,0077", "002,0002", "027,0027"})
    void whatEverybodyMayWriteToIsNeverMade(String given, String used) throws Exception {
        assertThat(run(given, PATH)).startsWith(used + "\n");
    }

    @ParameterizedTest
    @CsvSource({"1", "2", "16", "64", "500"})
    void theHeapIsWhatSoManyProcessorsNeed(int processors) throws Exception {
        program(folder.resolve("jdk/bin/nproc"), "echo " + processors);

        assertThat(run("022", "PATH=" + folder.resolve("jdk/bin") + ":/usr/bin:/bin"))
                .contains("\n-Xmx" + MemoryBudget.heapFor(processors) + "\n");
    }

    @Test
    void theHeapOfAServiceHasRoomForFourTransfersAtOnce() throws Exception {
        program(folder.resolve("jdk/bin/nproc"), "echo 2");
        String path = "PATH=" + folder.resolve("jdk/bin") + ":/usr/bin:/bin";

        String told = run(List.of("serve"), "022", path);

        long heap = Long.parseLong(told.split("\n-Xmx")[1].split("\n")[0]);
        assertThat(heap).isEqualTo(640L << 20);
        // The collector keeps a thirtieth for itself.
        assertThat(MemoryBudget.ofHeap(heap - heap / 30).free())
                .isGreaterThanOrEqualTo(4 * BackupSession.leastMemory(VaultSettings.DEFAULT));
        assertThat(run("022", path)).contains("\n-Xmx" + MemoryBudget.heapFor(2) + "\n");
    }

    @Test
    void theNativeHalfOfSqliteIsThatOfTheBuild() throws Exception {
        assertThat(run("022", PATH))
                .contains("\n-Dorg.sqlite.lib.path=" + folder + "/.stillpoint/lib/native\n");
        assertThat(ScriptTest.class.getResource("/org/sqlite/native/Linux/x86_64/libsqlitejdbc.so"))
                .as("where the script finds it")
                .isNotNull();
    }
}
