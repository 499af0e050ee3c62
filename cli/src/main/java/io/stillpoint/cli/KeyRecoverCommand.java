package io.stillpoint.cli;

import io.stillpoint.platform.Json;
import io.stillpoint.platform.disk.Reason;
import io.stillpoint.vault.crypto.KeyFile;
import io.stillpoint.vault.crypto.SheetLines;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/// `stillpoint key recover`: makes a key file from a recovery sheet that was typed in.
@Command(name = "recover", resourceBundle = "io.stillpoint.cli.messages", sortOptions = false)
final class KeyRecoverCommand implements Callable<Integer> {
    @Mixin private Output output = new Output();

    @Option(names = "--sheet", paramLabel = "FILE", descriptionKey = "option.sheet")
    private @Nullable Path sheet;

    @Option(
            names = "--to",
            required = true,
            paramLabel = "FILE",
            descriptionKey = "option.recover-to")
    private Path file = Path.of("");

    @Override
    public Integer call() {
        KeyFile key =
                SheetLines.parse(
                        lines(), sheet == null ? Output.text("sheet.input") : sheet.toString());
        key.write(file);
        output.done(
                Json.object().put("keyFile", file.toString()), Output.text("key.recovered", file));
        return ExitCode.SUCCESS.status();
    }

    private List<String> lines() {
        try {
            if (sheet != null) {
                // Any bytes at all: what is no line of a sheet is skipped.
                return Files.readAllLines(sheet, StandardCharsets.ISO_8859_1);
            }
            BufferedReader input =
                    new BufferedReader(
                            new InputStreamReader(System.in, StandardCharsets.ISO_8859_1));
            return input.readAllLines();
        } catch (IOException e) {
            throw new InputException(
                    "sheet.unreadable",
                    sheet == null ? Output.text("sheet.input") : sheet.toString(),
                    Reason.of(e));
        }
    }
}
