package io.stillpoint.cli;

import io.stillpoint.platform.Randomness;
import io.stillpoint.platform.disk.Reason;
import io.stillpoint.vault.Vault;
import io.stillpoint.vault.crypto.Credential;
import io.stillpoint.vault.crypto.SheetLines;
import io.stillpoint.vault.store.LocalStore;
import io.stillpoint.vault.store.RescueStore;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentSkipListSet;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/// A vault that may be damaged, and a key to it, be it on paper.
final class RescueOptions implements AutoCloseable {
    @Mixin private VaultOptions vaultOptions = new VaultOptions();

    @Option(names = "--sheet", descriptionKey = "option.rescue-sheet")
    private boolean sheet;

    @Option(names = "--scratch", paramLabel = "DIR", descriptionKey = "option.rescue-scratch")
    private @Nullable Path scratch;

    private @Nullable Path scratchFolder;
    private final Set<String> unreadable = new ConcurrentSkipListSet<>();

    /// Opens the vault; it is to be closed before this is.
    Vault open() {
        Credential credential = credential();
        LocalStore made = new LocalStore(makeScratchFolder());
        boolean isFolder = !vaultOptions.location().isRemote();
        return Vault.rescue(
                new RescueStore(vaultOptions.store(), made, isFolder),
                credential,
                new Vault.Surroundings(
                        Randomness.secure(), InstantSource.system(), Readiness.process()),
                e -> unreadable.add(Output.words(e.text())));
    }

    /// What was found wrong with records so far.
    Set<String> unreadableRecords() {
        return unreadable;
    }

    private Path makeScratchFolder() {
        Path parent = scratch != null ? scratch : Path.of(System.getProperty("java.io.tmpdir"));
        try {
            Path made = Files.createTempDirectory(parent, "stillpoint-rescue-");
            scratchFolder = made;
            return made;
        } catch (IOException e) {
            throw new InputException("rescue.no-scratch", parent, Reason.of(e));
        }
    }

    @Override
    public void close() {
        if (scratchFolder == null) {
            return;
        }
        try (Stream<Path> files = Files.walk(scratchFolder)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(file);
            }
        } catch (IOException e) {
            Output.complain(Output.text("rescue.scratch-left", scratchFolder, Reason.of(e)));
        }
    }

    private Credential credential() {
        return sheet
                ? SheetLines.parse(typedLines(), Output.text("sheet.input"))
                : vaultOptions.key().credential();
    }

    /// Up to the last line of the sheet, or the end.
    private static List<String> typedLines() {
        Output.say(Output.text("rescue.type-sheet"));
        BufferedReader input =
                new BufferedReader(new InputStreamReader(System.in, StandardCharsets.ISO_8859_1));
        List<String> lines = new ArrayList<>();
        try {
            String line = input.readLine();
            while (line != null) {
                lines.add(line);
                line = line.strip().startsWith("5") ? null : input.readLine();
            }
            return lines;
        } catch (IOException e) {
            throw new InputException("sheet.unreadable", Output.text("sheet.input"), Reason.of(e));
        }
    }
}
