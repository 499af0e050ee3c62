package io.stillpoint.planning.queue;

import io.stillpoint.platform.ByteSize;
import io.stillpoint.platform.text.Text;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;

/// Whether a snapshot may be taken now. While it is held the guest writes on, and what it overwrites takes scratch space. If
/// that runs out the snapshot breaks, and with it the job, perhaps after hours of waiting. So no snapshot is taken for which
/// the space would not last until its transfer has ended, as far as anybody can tell.
///
/// If guests write no faster than estimated, snapshots are released no later than forecast, and nobody else takes the space,
/// this holds:
/// - After any number of admissions the space does not run out while one of these snapshots is transferred.
/// - More free space, or a guest that writes less, never turns an admission into a refusal.
/// - What was refused is admitted at [Refused#tryAgain], unless another snapshot was admitted in between.
public sealed interface Admission {
    /// For how long to wait if no release of a snapshot would help. Somebody may make room, or move the VM.
    Duration WITHOUT_RELEASE = Duration.ofHours(1);

    /// The space lasts.
    record Admitted() implements Admission {}

    /// It does not.
    ///
    /// @param tryAgain the earliest time at which it would, if all goes on as it does
    record Refused(Text reason, Instant tryAgain) implements Admission {}

    /// What a snapshot asks for.
    ///
    /// @param vm name of the VM
    /// @param forecastEnd of its transfer if it were taken now; [Instant#MAX] if nobody knows
    record Wish(String vm, GuestWrites writes, Instant forecastEnd) {
        /// The same snapshot, taken later and held for as long.
        private Wish at(Instant now, Instant later) {
            boolean open = forecastEnd.equals(Instant.MAX);
            Instant end = open ? Instant.MAX : later.plus(Duration.between(now, forecastEnd));
            return new Wish(vm, writes, end);
        }
    }

    /// Decides.
    static Admission of(Instant now, ScratchSpace space, Wish wish) {
        if (lasts(now, space, wish)) {
            return new Admitted();
        }
        Optional<Instant> again =
                space.held().stream()
                        .map(HeldScratch::until)
                        .filter(each -> each.isAfter(now) && !each.equals(Instant.MAX))
                        .sorted()
                        .distinct()
                        .filter(each -> lasts(each, space.at(now, each), wish.at(now, each)))
                        .findFirst();
        ByteSize needed = new ByteSize(wish.writes.between(now, wish.forecastEnd, 0));
        if (again.isPresent()) {
            Text reason =
                    Text.of(
                            Admission.class,
                            "queue.scratch-taken",
                            wish.vm,
                            space.host(),
                            needed,
                            space.free(),
                            space.held().size());
            return new Refused(reason, again.get());
        }
        Text reason =
                Text.of(
                        Admission.class,
                        "queue.scratch-small",
                        wish.vm,
                        space.host(),
                        needed,
                        space.free(),
                        space.held().size());
        return new Refused(reason, now.plus(WITHOUT_RELEASE));
    }

    private static boolean lasts(Instant now, ScratchSpace space, Wish wish) {
        HeldScratch added = new HeldScratch(new ByteSize(0), wish.writes, wish.forecastEnd);
        return space.with(added).leastFree(now, wish.forecastEnd) >= 0;
    }
}
