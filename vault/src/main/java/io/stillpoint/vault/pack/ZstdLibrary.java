package io.stillpoint.vault.pack;

import com.github.luben.zstd.Zstd;
import com.github.luben.zstd.util.Native;
import io.stillpoint.platform.MachineException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;

/// Loads the native half of zstd-jni. By itself that is unpacked into the folder for temporary files, where a careful host
/// lets nothing be executed. So it is loaded from where the build has unpacked it (`java.library.path`), else unpacked into
/// the first of several folders from which it can be loaded; each time into a folder that nobody else can write to, and
/// which is deleted at once.
public final class ZstdLibrary {
    private static final String FOLDER_VARIABLE = "STILLPOINT_NATIVE_DIR";

    private static boolean isProven;

    private ZstdLibrary() {}

    /// Returns once the library is loaded and has proven to work. Throws a [MachineException] if it can't be.
    public static synchronized void load() {
        if (!isProven) {
            find(folders(System.getenv()));
            isProven = true;
        }
    }

    private static void find(Set<Path> folders) {
        LinkageError last = null;
        for (Path folder : folders) {
            try {
                loadFrom(folder);
                if (Zstd.compressBound(1) > 0) {
                    return;
                }
            } catch (LinkageError e) {
                last = e;
            } catch (IOException _) {
                // It doesn't exist, or is not for us; the next may be.
            }
        }
        String why = last == null || last.getMessage() == null ? "" : last.getMessage().strip();
        throw MachineException.noNativeLibrary(
                "zstd", why.lines().findFirst().orElse("-"), folders, last);
    }

    /// Not into the folder itself, whose files others might write to before they are loaded.
    private static void loadFrom(Path folder) throws IOException {
        Path own = Files.createTempDirectory(folder, "stillpoint-native-");
        try {
            Native.load(own.toFile());
        } finally {
            try (var left = Files.newDirectoryStream(own)) {
                for (Path file : left) {
                    Files.delete(file);
                }
            }
            Files.delete(own);
        }
    }

    private static Set<Path> folders(Map<String, String> environment) {
        Set<Path> folders = new LinkedHashSet<>();
        for (String folder :
                new String[] {
                    environment.getOrDefault(FOLDER_VARIABLE, ""),
                    System.getProperty("java.io.tmpdir", ""),
                    environment.getOrDefault("XDG_RUNTIME_DIR", ""),
                    environment.getOrDefault("XDG_CACHE_HOME", ""),
                    System.getProperty("user.home", ""),
                    "/var/lib/stillpoint",
                    "/run",
                    "/var/tmp",
                    "/dev/shm"
                }) {
            if (!folder.isEmpty() && Path.of(folder).isAbsolute()) {
                folders.add(Path.of(folder));
            }
        }
        return folders;
    }
}
