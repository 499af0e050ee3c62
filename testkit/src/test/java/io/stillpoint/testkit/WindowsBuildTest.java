package io.stillpoint.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Tag("slow")
@Timeout(180)
class WindowsBuildTest {
    private static final Path SOURCES =
            Path.of("../extensions/windows").toAbsolutePath().normalize();

    /// Of `DllCharacteristics` (PE format, "Optional header").
    private static final int HIGH_ENTROPY_VA = 0x20;

    private static final int DYNAMIC_BASE = 0x40;
    private static final int NX_COMPAT = 0x100;

    @TempDir Path folder;

    @BeforeEach
    void needCompiler() {
        RealParts.assumePrograms("x86_64-w64-mingw32-g++-posix");
    }

    @Test
    void anotherBuildElsewhereGivesTheSameBytes() throws IOException {
        Path copy = Files.createDirectories(folder.resolve("a folder/windows"));
        try (Stream<Path> files = Files.list(SOURCES)) {
            for (Path file : files.filter(Files::isRegularFile).toList()) {
                Files.copy(file, copy.resolve(file.getFileName()));
            }
        }
        Path build = copy.resolve("build");
        assertThat(build.toFile().setExecutable(true)).isTrue();
        Path target = folder.resolve("target");
        HostCommand.run(build.toString(), target.toString());

        byte[] one = Files.readAllBytes(WindowsBuild.program("1.0.0"));
        byte[] other =
                Files.readAllBytes(
                        target.resolve(
                                "io/stillpoint/extensions/VMSnapshot/x86_64/IaaSVmProvider.exe"));

        assertThat(other).isEqualTo(one);
        String text = new String(one, StandardCharsets.ISO_8859_1);
        assertThat(text)
                .doesNotContain(SOURCES.toString())
                .doesNotContain(System.getProperty("user.home") + "/");
    }

    @Test
    void isHardenedAndHasNoTime() throws IOException {
        ByteBuffer file =
                ByteBuffer.wrap(Files.readAllBytes(WindowsBuild.program("1.0.0")))
                        .order(ByteOrder.LITTLE_ENDIAN);
        int header = file.getInt(0x3C);
        assertThat(file.getInt(header)).as("PE").isEqualTo(0x4550);
        assertThat(file.getInt(header + 8)).as("time").isZero();
        int characteristics = file.getShort(header + 24 + 70);
        int wanted = HIGH_ENTROPY_VA | DYNAMIC_BASE | NX_COMPAT;
        assertThat(characteristics & wanted).isEqualTo(wanted);
    }

    @Test
    void withoutACompilerItWarnsAndInCiItFails() throws IOException, InterruptedException {
        Path programs = Files.createDirectories(folder.resolve("bin"));
        for (String name : List.of("bash", "env", "dirname", "mkdir", "rm", "find", "nproc")) {
            Path program =
                    Stream.of("/usr/bin/", "/bin/")
                            .map(place -> Path.of(place + name))
                            .filter(Files::exists)
                            .findFirst()
                            .orElseThrow();
            Path wrapper = programs.resolve(name);
            Files.writeString(wrapper, "#!/bin/sh\nexec " + program + " \"$@\"\n");
            assertThat(wrapper.toFile().setExecutable(true)).isTrue();
        }
        Path target = folder.resolve("target");

        assertThat(build(programs, target, "false")).isZero();
        assertThat(Files.readString(folder.resolve("log")))
                .contains("WARNING")
                .contains("VMSnapshot");
        assertThat(target.resolve("io/stillpoint/extensions/VMSnapshot")).doesNotExist();
        assertThat(build(programs, target, "true")).isEqualTo(3);
    }

    private int build(Path programs, Path target, String ci)
            throws IOException, InterruptedException {
        ProcessBuilder builder =
                new ProcessBuilder(SOURCES.resolve("build").toString(), target.toString())
                        .redirectErrorStream(true)
                        .redirectOutput(folder.resolve("log").toFile());
        builder.environment().putAll(Map.of("PATH", programs.toString(), "CI", ci));
        Process process = builder.start();
        assertThat(process.waitFor(30, TimeUnit.SECONDS)).isTrue();
        return process.exitValue();
    }
}
