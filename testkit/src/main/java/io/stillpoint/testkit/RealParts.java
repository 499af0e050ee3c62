package io.stillpoint.testkit;

import io.stillpoint.demo.GuestImage;
import io.stillpoint.demo.Programs;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.Assumptions;

/// Whether this machine has the programs and rights that a test needs. Where something is missing the test is skipped with the
/// reason printed; but where `CI=true` it fails, since in CI nothing may be skipped.
public final class RealParts {
    private static final String PYTHON_PACKAGES = "/usr/lib/python3/dist-packages/";

    private RealParts() {}

    /// Needs QEMU, its image tool and a kernel that runs guests.
    public static void assumeQemu() {
        assumePrograms("qemu-system-x86_64", "qemu-img");
    }

    /// Needs the system's Python with the packages of `rescue/reader.py`.
    public static void assumeReader() {
        List<String> missing =
                Stream.of(
                                "/usr/bin/python3",
                                PYTHON_PACKAGES + "cryptography",
                                PYTHON_PACKAGES + "zstandard",
                                PYTHON_PACKAGES + "argon2")
                        .filter(file -> !Files.exists(Path.of(file)))
                        .toList();
        assumeNone(missing);
    }

    /// Needs all these programs on the PATH or in the folders for administrators.
    public static void assumePrograms(String... names) {
        Programs programs = Programs.of(System.getenv());
        List<String> missing =
                Stream.of(names).filter(name -> programs.find(name).isEmpty()).toList();
        assumeNone(missing);
    }

    /// Needs Wine, a compiler for Windows, and what builds the agent for it (`extensions/windows/test`).
    public static void assumeWine() {
        List<String> missing = new ArrayList<>();
        Programs programs = Programs.of(System.getenv());
        for (String name :
                List.of(
                        "/usr/lib/wine/wine64",
                        "/usr/lib/wine/wineserver64",
                        "x86_64-w64-mingw32-g++-posix",
                        "x86_64-w64-mingw32-widl",
                        "meson",
                        "ninja",
                        "socat",
                        "setpriv",
                        "dpkg-source")) {
            boolean isThere =
                    name.startsWith("/")
                            ? Files.isExecutable(Path.of(name))
                            : programs.find(name).isPresent();
            if (!isThere) {
                missing.add(name);
            }
        }
        assumeNone(missing);
    }

    private static void assumeNone(List<String> missing) {
        if (missing.isEmpty()) {
            return;
        }
        throw absent("not installed here: " + missing + "; install with: scripts/packages test");
    }

    /// Skips the test, or fails it in CI, for want of something that no package brings. Never returns.
    public static RuntimeException absent(String reason) {
        if ("true".equals(System.getenv("CI"))) {
            Assertions.fail(reason);
        }
        System.err.println("skipped: " + reason);
        return Assumptions.abort(reason);
    }

    /// The small guest, built at the first call on this machine.
    public static GuestImage guest() {
        return GuestImage.ensure(System.err::println);
    }
}
