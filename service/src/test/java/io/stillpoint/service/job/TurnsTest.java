package io.stillpoint.service.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stillpoint.engine.JobId;
import io.stillpoint.engine.TransferTurn;
import io.stillpoint.planning.queue.Estimate;
import io.stillpoint.planning.queue.Route;
import io.stillpoint.planning.queue.Transfer;
import io.stillpoint.planning.queue.TransferRules;
import io.stillpoint.platform.ByteSize;
import io.stillpoint.platform.Cancellation;
import io.stillpoint.platform.CancelledException;
import io.stillpoint.service.config.ServiceConfig.Limits;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.OptionalLong;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class TurnsTest {
    private static final Instant NOW = Instant.parse("2026-11-27T16:00:00Z");
    private static final JobId JOB = new JobId("engine");

    private final List<String> told = Collections.synchronizedList(new ArrayList<>());
    private final Turns turns = new Turns(new Limits(50, 1, 1, 1), InstantSource.fixed(NOW));

    private static Transfer transfer(String id, int hoursLeft) {
        return new Transfer(
                id,
                new Route("here", "main"),
                NOW.plusSeconds(hoursLeft * 3600L),
                new Estimate(ByteSize.parse("1G"), 100 << 20),
                TransferRules.NONE);
    }

    private TransferTurn turn(String id, int hoursLeft) {
        return turns.of(
                transfer(id, hoursLeft),
                new Turns.Listener() {
                    @Override
                    public void waits(String why) {
                        told.add(id + " waits");
                    }

                    @Override
                    public void begins() {
                        told.add(id + " begins");
                    }

                    @Override
                    public Estimate left(Estimate first) {
                        return first;
                    }
                });
    }

    private CompletableFuture<TransferTurn.Transfer> asked(
            String id, int hoursLeft, Cancellation cancellation) {
        CompletableFuture<TransferTurn.Transfer> begun = new CompletableFuture<>();
        Thread.ofVirtual()
                .start(() -> {
                    try {
                        begun.complete(
                                turn(id, hoursLeft).await(JOB, cancellation, OptionalLong::empty));
                    } catch (CancelledException e) {
                        begun.completeExceptionally(e);
                    }
                });
        while (!begun.isDone() && !told.contains(id + " waits")) {
            Thread.onSpinWait();
        }
        return begun;
    }

    @Test
    void earliestDeadlineIsNextWhenATransferEnds()
            throws ExecutionException, InterruptedException, TimeoutException {
        TransferTurn.Transfer first =
                turn("first", 9).await(JOB, new Cancellation(), OptionalLong::empty);
        CompletableFuture<TransferTurn.Transfer> late = asked("late", 8, new Cancellation());
        CompletableFuture<TransferTurn.Transfer> soon = asked("soon", 3, new Cancellation());
        assertThat(turns.forecast("soon").orElseThrow().begin()).isAfter(NOW);
        assertThat(late).isNotDone();
        first.close();
        soon.get(20, TimeUnit.SECONDS).close();
        late.get(20, TimeUnit.SECONDS).close();
        assertThat(told).containsSubsequence("soon begins", "late begins");
        assertThat(turns.forecast("late")).isEmpty();
        turn("again", 1).await(JOB, new Cancellation(), OptionalLong::empty).close();
    }

    @Test
    void whoeverIsToldAndFailsHoldsUpNobody() {
        TransferTurn.Transfer first =
                turn("first", 9).await(JOB, new Cancellation(), OptionalLong::empty);
        TransferTurn failing =
                turns.of(
                        transfer("failing", 3),
                        new Turns.Listener() {
                            @Override
                            public void waits(String why) {
                                first.close();
                            }

                            @Override
                            public void begins() {
                                throw new IllegalStateException("database");
                            }

                            @Override
                            public Estimate left(Estimate first) {
                                return first;
                            }
                        });
        assertThatThrownBy(() -> failing.await(JOB, new Cancellation(), OptionalLong::empty))
                .hasMessageContaining("database");
        turn("next", 9).await(JOB, new Cancellation(), OptionalLong::empty).close();
        assertThat(told).containsExactly("first begins", "next begins");
    }

    @Test
    void jobThatIsCancelledWaitsNoLongerAndHoldsUpNobody() {
        TransferTurn.Transfer first =
                turn("first", 9).await(JOB, new Cancellation(), OptionalLong::empty);
        Cancellation cancellation = new Cancellation();
        CompletableFuture<TransferTurn.Transfer> waiting = asked("waiting", 3, cancellation);
        cancellation.request();
        assertThatThrownBy(() -> waiting.get(20, TimeUnit.SECONDS))
                .hasCauseInstanceOf(CancelledException.class);
        first.close();
        turn("next", 9).await(JOB, new Cancellation(), OptionalLong::empty).close();
        assertThat(told).containsExactly("first begins", "waiting waits", "next begins");
    }
}
