package io.stillpoint.guest;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.stillpoint.guest.FreezeOutcome.Frozen;
import io.stillpoint.guest.GuestException.Kind;
import io.stillpoint.guest.ThawOutcome.AlreadyThawed;
import io.stillpoint.guest.ThawOutcome.Clean;
import io.stillpoint.guest.ThawOutcome.Unproven;
import io.stillpoint.platform.text.Messages;
import java.time.Duration;
import java.util.Locale;
import org.junit.jupiter.api.Test;

class FreezingTest extends AgentTest {
    @Test
    void freezesAndThawsEveryFileSystem() {
        try (GuestAgent agent = connect()) {
            assertThat(agent.freeze()).isEqualTo(new Frozen(3));
            assertThat(agent.isFrozen()).isTrue();
            assertThat(agent.thaw()).isEqualTo(new Clean(3));
            assertThat(agent.isFrozen()).isFalse();
        }
    }

    @Test
    void betweenFreezeAndThawNothingIsSentButTheThaw() {
        try (GuestAgent agent = connect()) {
            agent.freeze();
            agent.thaw();
        }
        assertThat(fake.received())
                .containsExactly(
                        "guest-info",
                        "guest-fsfreeze-status",
                        "guest-fsfreeze-freeze",
                        "guest-fsfreeze-thaw",
                        "guest-fsfreeze-status");
    }

    @Test
    void anUnknownFreezeIsRefusedWithoutAsking() {
        fake.forget("guest-fsfreeze-freeze");
        assertThat(refusal()).isEqualTo("guest.freeze-unsupported");
        assertThat(fake.received()).doesNotContain("guest-fsfreeze-freeze");
    }

    @Test
    void aDisabledFreezeIsRefusedWithoutAsking() {
        fake.disable("guest-fsfreeze-freeze");
        assertThat(refusal()).isEqualTo("guest.freeze-disabled");
        assertThat(fake.received()).doesNotContain("guest-fsfreeze-freeze");
    }

    @Test
    void nothingIsFrozenThatCouldNotBeThawedOrProven() {
        fake.disable("guest-fsfreeze-thaw");
        assertThat(refusal()).isEqualTo("guest.freeze-disabled");
        fake.forget("guest-fsfreeze-status");
        assertThat(refusal()).isEqualTo("guest.freeze-unsupported");
        assertThat(fake.received()).doesNotContain("guest-fsfreeze-freeze");
    }

    @Test
    void aFailedHookIsRefusedInTheAgentsWordsAndLeavesNothingFrozen() {
        fake.once(
                "guest-fsfreeze-freeze",
                call -> {
                    fake.frozen = true;
                    call.refuse("GenericError", "fsfreeze hook has failed with status 7");
                });
        try (GuestAgent agent = connect()) {
            assertThat(agent.freeze())
                    .isEqualTo(
                            new FreezeOutcome.Refused(
                                    "guest.freeze-failed",
                                    "fsfreeze hook has failed with status 7"));
        }
        assertThat(fake.frozen).isFalse();
    }

    @Test
    void aFreezeOfNothingIsRefusedAndUndone() {
        fake.fileSystems = 0;
        assertThat(refusal()).isEqualTo("guest.nothing-to-freeze");
        assertThat(fake.frozen).isFalse();
    }

    @Test
    void somebodyElsesFreezeIsNotTouched() {
        fake.frozen = true;
        fake.frozenFileSystems = 3;
        assertThat(refusal()).isEqualTo("guest.already-frozen");
        assertThat(fake.frozen).isTrue();
        assertThat(fake.received()).doesNotContain("guest-fsfreeze-thaw");
    }

    @Test
    void everyRefusalHasAText() {
        for (String code :
                new String[] {
                    "guest.freeze-unsupported",
                    "guest.freeze-disabled",
                    "guest.freeze-failed",
                    "guest.nothing-to-freeze",
                    "guest.already-frozen"
                }) {
            assertThat(Messages.of(GuestAgent.class).text(Locale.ROOT, code, "its words"))
                    .contains("its words")
                    .contains(" ");
        }
    }

    @Test
    void whatIsEnabledIsAskedAgainAfterAThaw() {
        fake.on("guest-exec", call -> {});
        fake.frozen = true;
        try (GuestAgent agent = connect()) {
            assertThat(agent.supports("guest-exec")).isFalse();
            agent.thaw();
            assertThat(agent.supports("guest-exec")).isTrue();
        }
    }

    @Test
    void aDropMidwayDuringTheFreezeLeavesAGuestThatThawFrees() {
        fake.once(
                "guest-fsfreeze-freeze",
                call -> {
                    fake.frozen = true;
                    fake.frozenFileSystems = 2;
                    call.drop();
                });
        try (GuestAgent agent = connect()) {
            assertThatExceptionOfType(GuestException.class)
                    .isThrownBy(agent::freeze)
                    .satisfies(e -> assertThat(e.kind()).isEqualTo(Kind.UNREACHABLE));
            assertThat(agent.thaw()).isEqualTo(new Clean(2));
        }
        assertThat(fake.frozen).isFalse();
    }

    @Test
    void aFreezeThatAnswersTooLateIsThawed() {
        fake.once(
                "guest-fsfreeze-freeze",
                call -> {
                    Thread.sleep(1500);
                    fake.freeze(call);
                });
        try (GuestAgent agent = connect()) {
            assertThatExceptionOfType(GuestException.class)
                    .isThrownBy(agent::freeze)
                    .satisfies(e -> assertThat(e.kind()).isEqualTo(Kind.TIMEOUT));
            assertThat(agent.thaw()).isEqualTo(new Clean(3));
        }
        assertThat(fake.frozen).isFalse();
    }

    @Test
    void aThawOfNothingMeansThatSomebodyElseThawed() {
        try (GuestAgent agent = connect()) {
            agent.freeze();
            // The watchdog: the agent still believes that it is frozen.
            fake.frozenFileSystems = 0;
            assertThat(agent.isFrozen()).isTrue();
            assertThat(agent.thaw()).isEqualTo(new AlreadyThawed());
            assertThat(agent.isFrozen()).isFalse();
        }
    }

    @Test
    void aThawOfSomeTellsHowMany() {
        try (GuestAgent agent = connect()) {
            agent.freeze();
            fake.frozenFileSystems = 1;
            assertThat(agent.thaw()).isEqualTo(new Clean(1));
        }
    }

    @Test
    void thawsAgainUntilTheStatusSaysThawed() {
        fake.once("guest-fsfreeze-status", call -> call.reply(FakeAgent.text("thawed")));
        fake.once("guest-fsfreeze-status", call -> call.reply(FakeAgent.text("frozen")));
        fake.once("guest-fsfreeze-status", call -> call.reply(FakeAgent.text("frozen")));
        try (GuestAgent agent = connect()) {
            // The first of the three answers is for the question before the freeze.
            agent.freeze();
            assertThat(agent.thaw()).isEqualTo(new Clean(3));
        }
        assertThat(fake.received()).filteredOn("guest-fsfreeze-thaw"::equals).hasSize(3);
    }

    @Test
    void aThawWhoseReplyIsLostIsNotProvenClean() {
        fake.once(
                "guest-fsfreeze-thaw",
                call -> {
                    fake.frozen = false;
                    fake.frozenFileSystems = 0;
                    call.drop();
                });
        try (GuestAgent agent = connect()) {
            agent.freeze();
            assertThat(agent.thaw()).isEqualTo(new AlreadyThawed());
        }
    }

    @Test
    void aThawThatHangsIsTriedOnTheSameConnectionAndThenOnANewOne() {
        fake.once("guest-fsfreeze-thaw", call -> {});
        fake.once("guest-fsfreeze-thaw", call -> {});
        try (GuestAgent agent = connect()) {
            agent.freeze();
            assertThat(agent.thaw()).isEqualTo(new Clean(3));
        }
    }

    @Test
    void windowsTenSecondsAreAnErrorOfTheThaw() {
        fake.once(
                "guest-fsfreeze-thaw",
                call -> {
                    fake.frozen = false;
                    call.refuse("GenericError", "couldn't hold writes: limited up to 10 seconds: ");
                });
        try (GuestAgent agent = connect()) {
            agent.freeze();
            assertThat(agent.thaw()).isEqualTo(new AlreadyThawed());
        }
    }

    @Test
    void aGuestThatStaysFrozenIsUnprovenWithinTheBound() {
        fake.on("guest-fsfreeze-thaw", call -> call.refuse("GenericError", "stuck"));
        AgentTimeouts timeouts = quickWithThawOf(Duration.ofSeconds(1));
        try (GuestAgent agent = connect(timeouts)) {
            agent.freeze();
            assertThat(agent.thaw())
                    .isInstanceOfSatisfying(
                            Unproven.class,
                            outcome ->
                                    assertThat(outcome.detail())
                                            .asString()
                                            .contains("frozen", "stuck"));
        }
    }

    @Test
    void aVmThatWentAwayIsUnprovenWithinTheBound() throws Exception {
        try (GuestAgent agent = connect(quickWithThawOf(Duration.ofSeconds(1)))) {
            agent.freeze();
            fake.once("guest-fsfreeze-thaw", FakeAgent.Call::drop);
            fake.close();
            assertThat(agent.thaw()).isInstanceOf(Unproven.class);
        }
    }

    @Test
    void anAgentWithoutFreezingIsUnprovenAtOnce() {
        fake.forget("guest-fsfreeze-thaw").forget("guest-fsfreeze-status");
        try (GuestAgent agent = connect()) {
            assertThat(agent.thaw()).isInstanceOf(Unproven.class);
        }
        assertThat(fake.received()).hasSize(3);
    }

    @Test
    void aRefusedFreezeThatCannotBeUndoneIsAFailure() {
        fake.once("guest-fsfreeze-freeze", call -> call.refuse("GenericError", "hook"));
        fake.on("guest-fsfreeze-thaw", call -> {});
        try (GuestAgent agent = connect(quickWithThawOf(Duration.ofSeconds(1)))) {
            assertThatExceptionOfType(GuestException.class)
                    .isThrownBy(agent::freeze)
                    .satisfies(e -> assertThat(e.code()).isEqualTo("guest.thaw-unproven"));
        }
    }

    @Test
    void anInterruptedThreadFreezesAndThawsAllTheSameAndStaysInterrupted() {
        try (GuestAgent agent = connect()) {
            Thread.currentThread().interrupt();
            assertThat(agent.freeze()).isEqualTo(new Frozen(3));
            assertThat(agent.thaw()).isEqualTo(new Clean(3));
            assertThat(Thread.interrupted()).isTrue();
        }
    }

    private String refusal() {
        try (GuestAgent agent = connect()) {
            return agent.freeze() instanceof FreezeOutcome.Refused refused
                    ? refused.code()
                    : "frozen";
        }
    }

    private static AgentTimeouts quickWithThawOf(Duration thaw) {
        return new AgentTimeouts(QUICK.command(), QUICK.freeze(), QUICK.thawAttempt(), thaw);
    }
}
