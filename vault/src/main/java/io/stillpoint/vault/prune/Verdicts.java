package io.stillpoint.vault.prune;

import io.stillpoint.vault.index.ItemIndex;
import io.stillpoint.vault.record.PackList;
import io.stillpoint.vault.record.Records;
import io.stillpoint.vault.record.Records.Found;
import io.stillpoint.vault.record.Session;
import io.stillpoint.vault.store.ObjectId;
import io.stillpoint.vault.store.ObjectName;
import io.stillpoint.vault.store.ObjectName.Area;
import io.stillpoint.vault.store.ObjectStore;
import io.stillpoint.vault.store.ObjectStore.Listed;
import io.stillpoint.vault.store.VaultException;
import io.stillpoint.vault.store.VaultException.Kind;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/// The second step: condemned packs are deleted, or kept if a point came to need them (`docs/locking.md`).
final class Verdicts {
    /// Everybody reads all verdicts, so they must not become many: after this the index is rewritten for the last ones.
    private static final Duration VERDICT_AGE_MAX = Duration.ofDays(30);

    private final Map<ObjectId, Instant> verdictsMadeAt = new HashMap<>();
    private final PruneRun run;
    private final Tally tally;
    private final ObjectStore store;
    private final Records records;

    Verdicts(PruneRun run) {
        this.run = run;
        tally = run.tally();
        store = run.parts().contents().store();
        records = run.parts().records();
    }

    /// Verdicts of earlier runs whose condemnations stand, to be carried out. A verdict whose condemnation is gone has been
    /// carried out, or was void: put by who had slept while others concluded the condemnation, and then died. A void one is
    /// deleted, since it keeps packs from being read that may be needed.
    List<PackList> standing() {
        List<PackList> standing = new ArrayList<>();
        for (Found<PackList> verdict : records.executed()) {
            verdictsMadeAt.put(verdict.record().id(), verdict.madeAt());
            if (records.isCondemned(verdict.record().id())) {
                standing.add(verdict.record());
            } else if (!run.rules().dryRun() && isVoid(verdict.record())) {
                records.deleteExecuted(verdict.record().id());
            }
        }
        return standing;
    }

    /// Whether a verdict without its condemnation names a pack that exists: a condemnation goes after all its packs.
    private boolean isVoid(PackList verdict) {
        return verdict.packs().stream()
                .map(run.packs()::get)
                .anyMatch(listed -> listed != null && store.exists(listed.name()));
    }

    /// Whether every listing tells of the verdict by run.now(); until then the condemnation must stay, since who sees neither
    /// relies on packs that are gone.
    private boolean isSeen(PackList verdict) {
        Instant madeAt = verdictsMadeAt.get(verdict.id());
        return madeAt != null && !run.now().isBefore(madeAt.plus(run.delay()));
    }

    /// Carries an earlier verdict out, as far as that is right today. A verdict is never wrong when it is made, so one that
    /// would delete what a point needs was put back by somebody, or what it relied on was lost since: it is withdrawn.
    void finish(PackList verdict, DeletionCheck check) {
        Set<ObjectId> kept = check.needed(existing(verdict), false);
        Set<ObjectId> doomed = new HashSet<>(verdict.packs());
        doomed.removeAll(kept);
        if (kept.isEmpty()) {
            execute(verdict, isSeen(verdict));
            return;
        }
        tally.keptPacks += kept.size();
        tally.warn(
                Tally.text(
                        "vault.verdict-withdrawn",
                        store.description(),
                        new ObjectName(Area.EXECUTED, verdict.id()),
                        kept.size()));
        execute(new PackList(verdict.id(), doomed), false);
        if (!run.rules().dryRun()) {
            // In this order: a verdict without its condemnation is void, a condemnation alone is
            // judged.
            records.deleteCondemned(verdict.id());
            records.deleteExecuted(verdict.id());
        }
    }

    private Set<ObjectId> existing(PackList list) {
        Set<ObjectId> existing = new HashSet<>(list.packs());
        existing.retainAll(run.packs().keySet());
        return existing;
    }

    /// @param isSeen see [#isSeen]
    private void execute(PackList verdict, boolean isSeen) {
        long retainedBefore = tally.retainedPacks;
        for (ObjectId pack : verdict.packs()) {
            run.check();
            Listed listed = run.packs().get(pack);
            if (listed != null && delete(listed.name())) {
                tally.deletedPacks++;
                tally.deletedBytes += listed.size();
                run.packs().remove(pack);
            }
        }
        if (isSeen && tally.retainedPacks == retainedBefore && !run.rules().dryRun()) {
            records.deleteCondemned(verdict.id());
        }
    }

    /// Returns whether the pack is gone.
    private boolean delete(ObjectName pack) {
        if (run.rules().dryRun()) {
            return true;
        }
        try {
            store.delete(pack);
            return true;
        } catch (VaultException e) {
            if (e.kind() != Kind.RETAINED) {
                throw e;
            }
            tally.retainedPacks++;
            return false;
        }
    }

    /// The second step: a condemnation whose time has come gets its verdict.
    ///
    /// @param open sessions that may still make a point
    /// @param needed condemned packs that hold what nothing else holds
    void judge(
            Found<PackList> condemnation,
            List<Session> open,
            boolean isHeld,
            Set<ObjectId> needed,
            DeletionCheck check) {
        PackList list = condemnation.record();
        Duration grace =
                run.rules().grace().compareTo(run.delay().multipliedBy(2)) < 0
                        ? run.delay().multipliedBy(2)
                        : run.rules().grace();
        Instant dueAt = condemnation.madeAt().plus(grace);
        boolean isDue =
                !isHeld
                        && !run.now().isBefore(dueAt)
                        && open.stream().allMatch(session -> session.known().contains(list.id()));
        if (!isDue) {
            tally.waitingUntil(dueAt);
            for (ObjectId pack : list.packs()) {
                Listed listed = run.packs().get(pack);
                tally.waitingPacks++;
                tally.waitingBytes += listed == null ? 0 : listed.size();
            }
            return;
        }
        Set<ObjectId> doomed = new HashSet<>(list.packs());
        doomed.removeAll(needed);
        // What points need is read where it is to stay, before the verdict that nobody takes back.
        Set<ObjectId> there = new HashSet<>(doomed);
        there.retainAll(run.packs().keySet());
        doomed.removeAll(check.needed(there, true));
        PackList verdict = new PackList(list.id(), doomed);
        if (isFinal(verdict)) {
            tally.keptPacks += list.packs().size() - doomed.size();
            execute(verdict, run.delay().isZero());
        }
    }

    /// Puts the verdict. Returns whether it counts: another process may have judged before.
    private boolean isFinal(PackList verdict) {
        if (run.rules().dryRun()) {
            return !records.isExecuted(verdict.id());
        }
        // Before, so that a void verdict is rare; after, since it may have gone between.
        if (!records.isCondemned(verdict.id())) {
            return false;
        }
        try {
            records.putExecuted(verdict);
        } catch (VaultException e) {
            if (e.kind() != Kind.EXISTS) {
                throw e;
            }
            return false;
        }
        if (!records.isCondemned(verdict.id())) {
            records.deleteExecuted(verdict.id());
            return false;
        }
        return true;
    }

    /// Deletes verdicts that nobody needs to know any more: their packs are gone from the store and from the index.
    void drop() {
        if (run.rules().dryRun()) {
            return;
        }
        ItemIndex index = run.parts().contents().refreshedIndex();
        List<Found<PackList>> verdicts = records.executed();
        Set<ObjectId> overdue = new HashSet<>();
        for (Found<PackList> verdict : verdicts) {
            if (verdict.madeAt()
                    .plus(run.rules().grace())
                    .plus(VERDICT_AGE_MAX)
                    .isBefore(run.now())) {
                overdue.addAll(verdict.record().packs());
            }
        }
        Set<ObjectId> listed = index.dropGone(overdue);
        for (Found<PackList> verdict : verdicts) {
            boolean isOld =
                    !run.now().isBefore(verdict.madeAt().plus(run.rules().grace()))
                            && !run.now().isBefore(verdict.madeAt().plus(run.delay()));
            boolean isDone =
                    verdict.record().packs().stream()
                            .noneMatch(
                                    pack -> run.packs().containsKey(pack) || listed.contains(pack));
            if (isOld && isDone && !records.isCondemned(verdict.record().id())) {
                records.deleteExecuted(verdict.record().id());
            }
        }
    }
}
