package io.stillpoint.platform.setting;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.stillpoint.platform.ByteSize;
import io.stillpoint.platform.Json;
import io.stillpoint.platform.text.Text;
import java.time.DayOfWeek;
import java.time.LocalTime;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class SettingTreeTest {
    private static SettingTree tree(String json) {
        return SettingTree.of(Json.parse(json.replace('\'', '"')), "the file");
    }

    private static List<String> problems(SettingTree tree) {
        return catchThrowableOfType(SettingsException.class, tree::done).problems().stream()
                .map(each -> each.text().toString())
                .toList();
    }

    @Test
    void valuesAreRead() {
        SettingTree tree =
                tree(
                        "{'name': 'a', 'count': 3, 'size': '4G', 'on': true, 'days': ['sunday', 'friday'],"
                                + " 'at': '02:00', 'tags': {'x': 'y', 'n': 1}, 'list': [{'a': 1}], 'map':"
                                + " {'one': {'b': 2}}}");
        assertThat(tree.text("name")).contains("a");
        assertThat(tree.whole("count", 1, 3)).contains(3);
        assertThat(tree.value("size", ByteSize::parse, "")).contains(ByteSize.parse("4G"));
        assertThat(tree.flag("on", false)).isTrue();
        assertThat(tree.flag("off", true)).isTrue();
        assertThat(tree.choices("days", DayOfWeek.class))
                .containsExactly(DayOfWeek.SUNDAY, DayOfWeek.FRIDAY);
        assertThat(tree.values("at", LocalTime::parse, "hours"))
                .containsExactly(LocalTime.of(2, 0));
        assertThat(tree.textsByName("tags")).isEqualTo(Map.of("x", "y", "n", "1"));
        assertThat(tree.list("list").getFirst().whole("a", 0, 9)).contains(1);
        assertThat(tree.children("map").values().iterator().next().whole("b", 0, 9)).contains(2);
        assertThat(tree.text("absent")).isEmpty();
        tree.done();
    }

    @Test
    void allMistakesAreToldAtOnceEachWithItsPath() {
        SettingTree tree =
                tree(
                        "{'a': {'zone': 'Mars', 'cuont': 1, 'at': ['02:00', '25:00']}, 'b': [1], 'c': 7}");
        SettingTree a = tree.child("a");
        a.value("zone", java.time.ZoneId::of, "a zone such as Europe/Berlin");
        a.whole("count", 1, 9);
        a.values("at", LocalTime::parse, "00:00 to 23:59");
        tree.text("b");
        tree.whole("c", 1, 3);
        assertThat(tree.requiredText("d")).isEmpty();
        assertThat(problems(tree))
                .containsExactly(
                        "a.zone: Found \"Mars\"; possible: a zone such as Europe/Berlin.",
                        "a.at[1]: Found \"25:00\"; possible: 00:00 to 23:59.",
                        "b: Expected one value, found [1].",
                        "c: Found \"7\"; possible: 1 to 3.",
                        "d: This setting is missing.",
                        "a.cuont: There is no such setting. Did you mean count?");
        assertThatThrownBy(tree::done).hasMessageContainingAll("the file can't be used", "a.zone");
    }

    @Test
    void whatIsFarFromEveryNameIsToldWhatIsPossible() {
        SettingTree tree = tree("{'colour': 1}");
        tree.text("name");
        tree.text("size");
        assertThat(problems(tree))
                .containsExactly("colour: There is no such setting. Possible here: name, size.");
    }

    @Test
    void treeMustBeAMap() {
        assertThat(problems(tree("[1, 2]")))
                .containsExactly("Expected names and values, found [1,2].");
        SettingTree tree = tree("{'a': 'text'}");
        tree.child("a").text("b");
        assertThat(problems(tree)).containsExactly("a: Expected names and values, found \"text\".");
    }

    @Test
    void whatItsReaderFindsWrongIsToldToo() {
        SettingTree tree = tree("{'a': {'b': 1}}");
        tree.child("a").text("b");
        tree.child("a").wrong("b", Text.verbatim("It is too late."));
        assertThat(problems(tree)).containsExactly("a.b: It is too late.");
    }

    @Test
    void nearestNameIsAFewLettersAway() {
        assertThat(SettingTree.nearest("retenton", List.of("retention", "schedule")))
                .contains("retention");
        assertThat(SettingTree.nearest("ecah", List.of("each"))).contains("each");
        assertThat(SettingTree.nearest("x", List.of("each", "at"))).isEmpty();
        assertThat(SettingTree.nearest("", List.of("each"))).isEmpty();
    }
}
