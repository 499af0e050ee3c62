package io.stillpoint.vault.fuzz;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/// Every parser of a vault's bytes gives a value or says what is wrong, whatever it is fed: first with what once made one
/// fail (`src/test/resources/fuzz/TARGET/*.hex`), then with some seconds of new inputs, always the same ones. For hours of
/// others: `scripts/fuzz`.
final class FuzzTest {
    private static final Path CORPUS = Path.of("src/test/resources/fuzz");

    /// An input that takes longer is taken for an endless loop. Usual ones take milliseconds.
    private static final int SECONDS_MAX = 300;

    static List<byte[]> corpus(FuzzTarget target) throws IOException {
        List<byte[]> corpus = new ArrayList<>(target.seeds());
        Path folder = CORPUS.resolve(target.word());
        if (Files.isDirectory(folder)) {
            try (Stream<Path> files = Files.list(folder)) {
                for (Path file : files.sorted().toList()) {
                    String hex = Files.readString(file).replaceAll("#.*|\\s", "");
                    corpus.add(HexFormat.of().parseHex(hex));
                }
            }
        }
        return corpus;
    }

    private static int mutations(FuzzTarget target) {
        return switch (target) {
            case HEADER, NODE, KEY_SLOT, RECOVERY_SHEET -> 10_000;
            case KEY_FILE, FRAME -> 1_500;
            case VAULT_HEADER -> 500;
            case PACK, TREE, SEGMENT, POINT, RECORD, VAULT -> 100;
        };
    }

    @ParameterizedTest
    @EnumSource
    @Timeout(
            value = SECONDS_MAX,
            unit = TimeUnit.SECONDS,
            threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
    void anyBytesGiveAValueOrAnErrorThatSaysWhatIsWrong(FuzzTarget target) throws IOException {
        List<byte[]> corpus = corpus(target);
        Fuzzing fuzzing = new Fuzzing(target);
        corpus.forEach(fuzzing::run);
        Mutator mutator = new Mutator(target.word().hashCode());
        for (int i = 0; i < mutations(target); i++) {
            fuzzing.run(mutator.mutated(corpus));
        }
    }
}
