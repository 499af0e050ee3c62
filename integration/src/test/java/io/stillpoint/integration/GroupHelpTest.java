package io.stillpoint.integration;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

/// The help of a group of commands.
final class GroupHelpTest {
    private static final List<String> GROUPS =
            List.of(
                    "vault", "key", "guest", "rescue", "config", "vm", "policy", "job", "point",
                    "catalog");

    @Test
    void helpOfAGroupNamesOneOfItsOwnCommands() {
        for (String group : GROUPS) {
            Command.Result help = InProcess.run(group, "--help");
            assertThat(help.status()).as(group).isZero();
            assertThat(help.out()).as(group).contains("Each of them: stillpoint help " + group);
            String named = help.out().strip().replaceFirst("(?s).*: stillpoint help ", "");
            Command.Result one = InProcess.run(("help " + named).split(" "));
            assertThat(one.status()).as(named).isZero();
        }
    }

    @Test
    void helpOfACommandThatThereIsNotIsRefused() {
        for (String group : GROUPS) {
            for (String help : List.of("--help", "-h")) {
                Command.Result refused = InProcess.run(group, "lst", help);
                assertThat(refused.status()).as(group).isEqualTo(2);
                assertThat(refused.err()).as(group).contains("lst");
            }
        }
        assertThat(InProcess.run("nosuch", "--help").status()).isEqualTo(2);
        assertThat(InProcess.run("policy", "list", "--help").err())
                .contains("stillpoint help policy");
    }
}
