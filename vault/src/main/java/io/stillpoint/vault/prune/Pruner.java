package io.stillpoint.vault.prune;

import io.stillpoint.platform.JobShare;
import io.stillpoint.vault.index.ItemIndex;
import io.stillpoint.vault.point.Clocks;
import io.stillpoint.vault.point.RecoveryPoint;
import io.stillpoint.vault.record.PackList;
import io.stillpoint.vault.record.Records.Found;
import io.stillpoint.vault.record.Session;
import io.stillpoint.vault.session.Retention;
import io.stillpoint.vault.session.SessionGuard;
import io.stillpoint.vault.session.VaultParts;
import io.stillpoint.vault.session.VaultSettings;
import io.stillpoint.vault.store.ObjectId;
import java.time.Instant;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/// One run of prune. The steps, their order and why it is safe beside everything else: `docs/locking.md`. A run that ends
/// early, in whatever way, leaves nothing that the next one does not carry on from.
public final class Pruner {
    private final VaultParts parts;
    private final PruneRules rules;
    private final JobShare job;

    /// What a prune can't work without, in bytes.
    public static long leastMemory(VaultSettings settings) {
        return Marking.LEAST_MEMORY + PackRewriter.leastMemory(settings);
    }

    /// @param job with at least [#leastMemory]
    public Pruner(VaultParts parts, PruneRules rules, JobShare job) {
        this.parts = parts;
        this.rules = rules;
        this.job = job;
    }

    public PruneResult run() {
        if (rules.dryRun()) {
            Instant now = parts.clock().instant();
            return run(new Clocks(now, now), Set.of());
        }
        try (SessionGuard own = SessionGuard.open(parts, parts.settings().patience(), Set.of())) {
            return run(new Clocks(parts.clock().instant(), own.madeAt()), Set.of(own.point()));
        }
    }

    /// @param own the points of this run's own session
    private PruneResult run(Clocks clocks, Set<ObjectId> own) {
        PruneRun run = new PruneRun(parts, rules, job, clocks.earlier());
        Tally tally = run.tally();
        if (!clocks.agree()) {
            tally.warn(
                    Tally.text(
                            "vault.clocks-differ",
                            parts.contents().location(),
                            clocks.store(),
                            clocks.host()));
        }
        CatalogueCare catalogue = new CatalogueCare(parts.points());
        Verdicts verdicts = new Verdicts(run);
        List<PackList> standing = verdicts.standing();
        // Condemnations before sessions: a session that is not seen now looks at them later.
        List<Found<PackList>> condemnations = parts.records().condemned();
        OpenSessions open = new OpenSessions(run);
        List<Session> sessions = open.find(own);
        Set<ObjectId> purged = new Purge(run).run(sessions, open.isHeld());
        // Points after sessions: one that has ended has made its point.
        List<RecoveryPoint> roots = roots(run, sessions, purged);
        Set<ObjectId> condemned = new HashSet<>();
        condemnations.forEach(found -> condemned.addAll(found.record().packs()));
        standing.forEach(verdict -> condemned.addAll(verdict.packs()));
        ItemIndex index = index(run, condemned);
        retain(run, roots);
        try (Marking marking = new Marking(run, index)) {
            marking.mark(roots);
            PackCensus census = marking.census(condemned);
            run.check();
            try (DeletionCheck check = marking.check(condemned)) {
                Set<ObjectId> judged = new HashSet<>();
                for (PackList verdict : standing) {
                    judged.add(verdict.id());
                    verdicts.finish(verdict, check);
                }
                for (Found<PackList> condemnation : condemnations) {
                    if (!judged.contains(condemnation.record().id())) {
                        verdicts.judge(
                                condemnation, sessions, open.isHeld(), census.needed(), check);
                    }
                }
            }
            new Condemnation(run).run(census, condemned);
        }
        verdicts.drop();
        Leftovers leftovers = new Leftovers(run);
        leftovers.dropQuarantine();
        leftovers.dropUndone();
        if (!rules.dryRun()) {
            catalogue.run(roots, sessions, purged, run.now());
        }
        parts.records().junk().forEach(junk -> tally.warn(junk.text()));
        return tally.result();
    }

    /// All points that stand, without what nobody needs here: there may be many.
    private List<RecoveryPoint> roots(PruneRun run, List<Session> sessions, Set<ObjectId> purged) {
        Map<ObjectId, RecoveryPoint> roots = new HashMap<>();
        parts.points()
                .forEach((_, point, damage) -> {
                    if (damage != null) {
                        throw run.unsafe(damage);
                    }
                    if (point != null && !purged.contains(point.id())) {
                        roots.put(point.id(), point.bare());
                    }
                });
        for (Session session : sessions) {
            // By name, since a listing may be late.
            parts.points()
                    .byId(session.point())
                    .ifPresent(point -> roots.put(point.id(), point.bare()));
            for (ObjectId base : session.bases()) {
                parts.points().byId(base).ifPresent(point -> roots.put(base, point.bare()));
            }
        }
        return List.copyOf(roots.values());
    }

    /// @param condemned packs that must be known whatever their age: one that is not would look as if nothing in it were
    ///     needed
    private ItemIndex index(PruneRun run, Set<ObjectId> condemned) {
        ItemIndex index = parts.contents().refreshedIndex();
        index.adoptUnlisted(
                listed -> condemned.contains(listed.name().id()) || !run.isYoung(listed));
        index.flush();
        return index;
    }

    /// Locks are extended here, since what a locked point needs may have been stored for a point whose lock was shorter.
    private void retain(PruneRun run, List<RecoveryPoint> roots) {
        if (!rules.dryRun()) {
            new Retention(parts, job.cancellation())
                    .extend(
                            roots.stream()
                                    .filter(point ->
                                            point.lockedUntil()
                                                    .filter(run.now()::isBefore)
                                                    .isPresent())
                                    .toList());
        }
    }
}
