package io.stillpoint.guest.extension;

import io.stillpoint.guest.extension.ExtensionException.Kind;
import io.stillpoint.platform.Json;
import io.stillpoint.platform.Sha256;
import io.stillpoint.platform.disk.PlainFile;
import io.stillpoint.platform.text.Printable;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/// One file for each VM, `extensions/NAME.json` in the state folder, replaced as a whole. Safe for several processes; of two that
/// save the same VM's at once the later one's counts.
public final class FolderExtensionRecords implements ExtensionRecords {
    private static final String ENDING = ".json";

    /// File systems allow 255 bytes.
    private static final int NAME_MAX = 200;

    private static final int BYTES_MAX = 1 << 20;

    private final Path folder;

    public FolderExtensionRecords(Path stateFolder) {
        folder = stateFolder.resolve("extensions");
    }

    @Override
    public Optional<ExtensionRecord> of(String vm) {
        Path file = file(vm);
        try {
            return Optional.of(read(file));
        } catch (NoSuchFileException e) {
            return Optional.empty();
        } catch (IOException | IllegalArgumentException e) {
            throw unreadable(file, e);
        }
    }

    @Override
    public List<ExtensionRecord> all() {
        List<ExtensionRecord> all = new ArrayList<>();
        try (DirectoryStream<Path> files = Files.newDirectoryStream(folder, "[!.]*" + ENDING)) {
            for (Path file : files) {
                try {
                    all.add(read(file));
                } catch (NoSuchFileException e) {
                    // Removed meanwhile.
                } catch (IOException | IllegalArgumentException e) {
                    throw unreadable(file, e);
                }
            }
        } catch (NoSuchFileException e) {
            return List.of();
        } catch (IOException e) {
            throw unreadable(folder, e);
        }
        all.sort(Comparator.comparing(ExtensionRecord::vm));
        return all;
    }

    private ExtensionRecord read(Path file) throws IOException {
        ExtensionRecord found = ExtensionRecord.parse(PlainFile.read(file, BYTES_MAX));
        if (!file(found.vm()).equals(file)) {
            throw new IllegalArgumentException("vm: " + Printable.line(found.vm()));
        }
        return found;
    }

    @Override
    public void save(ExtensionRecord extension) {
        try {
            StateFile.replace(
                    file(extension.vm()),
                    Json.pretty(extension.json()).getBytes(StandardCharsets.UTF_8));
        } catch (IOException e) {
            throw unwritable(e);
        }
    }

    @Override
    public boolean remove(String vm) {
        Path file = file(vm);
        try {
            boolean removed = Files.deleteIfExists(file);
            if (removed) {
                StateFile.syncFolderOf(file);
            }
            return removed;
        } catch (IOException e) {
            throw unwritable(e);
        }
    }

    private ExtensionException unwritable(IOException e) {
        return new ExtensionException(
                Kind.STATE,
                "extension.state-unwritable",
                e,
                folder.toString(),
                StateFile.reason(e));
    }

    private static ExtensionException unreadable(Path file, Exception e) {
        return new ExtensionException(
                Kind.STATE, "extension.record-unreadable", e, file.toString(), StateFile.reason(e));
    }

    /// Letters, digits and a few marks stand for themselves, other bytes as `%XX`; of long names the beginning, `~` and a hash.
    private Path file(String vm) {
        StringBuilder name = new StringBuilder();
        for (byte next : vm.getBytes(StandardCharsets.UTF_8)) {
            char letter = (char) (next & 0xFF);
            boolean isPlain =
                    (letter < 0x80 && Character.isLetterOrDigit(letter))
                            || letter == '-'
                            || letter == '_'
                            || (letter == '.' && !name.isEmpty());
            name.append(isPlain ? letter : String.format(Locale.ROOT, "%%%02X", (int) letter));
        }
        if (name.isEmpty()) {
            name.append('%');
        }
        if (name.length() > NAME_MAX) {
            name.setLength(NAME_MAX - 65);
            name.append('~').append(Sha256.hex(vm.getBytes(StandardCharsets.UTF_8)));
        }
        return folder.resolve(name + ENDING);
    }
}
