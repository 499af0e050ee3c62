package io.stillpoint.engine;

import static org.assertj.core.api.Assertions.assertThat;

import io.stillpoint.engine.ConsistencyRules.Agent;
import io.stillpoint.engine.ConsistencyRules.Extension;
import io.stillpoint.engine.ConsistencyRules.Machine;
import io.stillpoint.engine.ConsistencyRules.Next;
import io.stillpoint.guest.quiesce.Applications;
import io.stillpoint.guest.quiesce.Rest;
import io.stillpoint.hypervisor.Shutdown;
import io.stillpoint.platform.text.Messages;
import io.stillpoint.vault.point.Consistency;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// The tables of `docs/consistency.md` are what the program does, row by row and with no case left out.
final class ConsistencyTableTest {
    private static final Path PAGE = Path.of("../docs/consistency.md");
    private static final List<String> YES_OR_NO = List.of("yes", "no");

    /// A row: the values that its condition is of, and what follows.
    record Row(List<String> cells) {
        @Override
        public String toString() {
            return String.join(" | ", cells);
        }

        boolean matches(List<String> values) {
            for (int i = 0; i < values.size(); i++) {
                if (!cells.get(i).equals("*") && !cells.get(i).equals(values.get(i))) {
                    return false;
                }
            }
            return true;
        }
    }

    private static List<Row> table(String heading) {
        List<String> lines;
        try {
            lines = Files.readAllLines(PAGE);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return lines.subList(lines.indexOf("## " + heading), lines.size()).stream()
                .dropWhile(line -> !line.startsWith("|"))
                .takeWhile(line -> line.startsWith("|"))
                .skip(2)
                .map(line -> line.substring(1, line.length() - 1))
                .map(line ->
                        new Row(Arrays.stream(line.split("\\|", -1)).map(String::strip).toList()))
                .toList();
    }

    static List<Row> ways() {
        return table("Which way");
    }

    static List<Row> verdicts() {
        return table("What came of it");
    }

    @ParameterizedTest
    @MethodSource
    void ways(Row row) {
        List<List<String>> cases = matching(row, wayCases());
        assertThat(cases).isNotEmpty();
        for (List<String> values : cases) {
            Way way =
                    ConsistencyRules.way(
                            constant(Machine.class, values.get(0)),
                            constant(ConsistencyRules.GuestKind.class, values.get(1)),
                            constant(Agent.class, values.get(2)),
                            constant(Extension.class, values.get(3)),
                            values.get(4).equals("yes"));
            assertThat(way)
                    .as(values.toString())
                    .isEqualTo(constant(Way.class, row.cells().get(5)));
        }
    }

    @ParameterizedTest
    @MethodSource
    void verdicts(Row row) {
        List<List<String>> cases = matching(row, verdictCases());
        assertThat(cases).isNotEmpty();
        Next next =
                switch (row.cells().get(5)) {
                    case "keep" -> Next.KEEP;
                    case "fail" -> Next.FAIL;
                    case "again by agent" -> Next.AGAIN_BY_AGENT;
                    case "again flushed" -> Next.AGAIN_FLUSHED;
                    case "again without" -> Next.AGAIN_WITHOUT;
                    default -> throw new AssertionError(row);
                };
        for (List<String> values : cases) {
            ConsistencyRules.Verdict verdict =
                    ConsistencyRules.verdict(
                            constant(Way.class, values.get(0)),
                            constant(Applications.class, values.get(1)),
                            constant(Rest.class, values.get(2)));
            assertThat(verdict.next()).as(values.toString()).isEqualTo(next);
            assertThat(verdict.code()).isEqualTo(code(row.cells().get(4)));
            if (next == Next.KEEP) {
                assertThat(verdict.consistency()).isEqualTo(Consistency.of(row.cells().get(3)));
            } else {
                assertThat(row.cells().get(3)).isEmpty();
            }
        }
    }

    static List<Row> stopped() {
        return table("A VM that is off");
    }

    @ParameterizedTest
    @MethodSource
    void stopped(Row row) {
        Shutdown.State state = constant(Shutdown.State.class, row.cells().getFirst());
        ConsistencyRules.Verdict verdict = ConsistencyRules.stopped(state);
        assertThat(verdict.next()).isEqualTo(Next.KEEP);
        assertThat(verdict.consistency()).isEqualTo(Consistency.of(row.cells().get(1)));
        assertThat(verdict.code()).isEqualTo(code(row.cells().get(2)));
        if (!verdict.code().isEmpty()) {
            assertThat(Messages.of(BackupJob.class).text(Locale.ROOT, verdict.code(), "why"))
                    .isNotEqualTo(verdict.code())
                    .contains("why");
        }
    }

    @Test
    void everyCaseIsInOneRow() {
        assertOneRowEach(words(Shutdown.State.class).stream().map(List::of).toList(), stopped());
        assertOneRowEach(wayCases(), ways());
        assertOneRowEach(verdictCases(), verdicts());
    }

    /// Of what a way can reach at best nothing better ever comes, so that a policy may be refused beforehand.
    @Test
    void noVerdictIsBetterThanItsWaysBest() {
        for (Way way : Way.values()) {
            Consistency best = ConsistencyRules.best(Machine.RUNNING, way);
            List<Consistency> reached =
                    verdicts().stream()
                            .filter(row -> row.cells().getFirst().equals(word(way)))
                            .filter(row -> !row.cells().get(3).isEmpty())
                            .map(row -> Consistency.of(row.cells().get(3)))
                            .toList();
            assertThat(reached).as(way.toString()).allMatch(it -> it.compareTo(best) <= 0);
            assertThat(reached.isEmpty() || reached.contains(best)).as(way.toString()).isTrue();
        }
    }

    @Test
    void theUserIsToldOfEachCode() {
        TreeSet<String> codes = new TreeSet<>();
        verdicts().forEach(row -> codes.add(row.cells().get(4)));
        codes.remove("");
        assertThat(table("What the user is told").stream().map(row -> row.cells().getFirst()))
                .containsExactlyInAnyOrderElementsOf(codes);
        for (String code : codes) {
            assertThat(Messages.of(BackupJob.class).text(Locale.ROOT, code(code), "why"))
                    .as(code)
                    .isNotEqualTo(code(code))
                    .contains("why");
        }
    }

    /// As points and warnings have it.
    private static String code(String cell) {
        return cell.isEmpty() ? "" : "guest." + cell;
    }

    private static void assertOneRowEach(List<List<String>> cases, List<Row> rows) {
        for (List<String> values : cases) {
            assertThat(rows.stream().filter(row -> row.matches(values)))
                    .as(values.toString())
                    .hasSize(1);
        }
    }

    private static List<List<String>> matching(Row row, List<List<String>> cases) {
        return cases.stream().filter(row::matches).toList();
    }

    private static List<List<String>> wayCases() {
        return product(
                words(Machine.class),
                words(ConsistencyRules.GuestKind.class),
                words(Agent.class),
                words(Extension.class),
                YES_OR_NO);
    }

    private static List<List<String>> verdictCases() {
        return product(words(Way.class), words(Applications.class), words(Rest.class));
    }

    @SafeVarargs
    private static List<List<String>> product(List<String>... dimensions) {
        List<List<String>> cases = List.of(List.of());
        for (List<String> dimension : dimensions) {
            cases = cases.stream().flatMap(extended(dimension)).toList();
        }
        return cases;
    }

    private static Function<List<String>, Stream<List<String>>> extended(List<String> dimension) {
        return values ->
                dimension.stream()
                        .map(value -> {
                            List<String> longer = new ArrayList<>(values);
                            longer.add(value);
                            return longer;
                        });
    }

    private static <E extends Enum<E>> List<String> words(Class<E> type) {
        return Arrays.stream(type.getEnumConstants()).map(ConsistencyTableTest::word).toList();
    }

    private static String word(Enum<?> constant) {
        return constant.name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    private static <E extends Enum<E>> E constant(Class<E> type, String word) {
        return Arrays.stream(type.getEnumConstants())
                .filter(constant -> word(constant).equals(word))
                .findFirst()
                .orElseThrow();
    }
}
