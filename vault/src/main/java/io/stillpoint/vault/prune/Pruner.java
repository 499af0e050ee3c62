package io.stillpoint.vault.prune;

import io.stillpoint.platform.Cancellation;
import io.stillpoint.platform.JobShare;
import io.stillpoint.platform.MemoryBudget;
import io.stillpoint.platform.text.Text;
import io.stillpoint.vault.crypto.ItemId;
import io.stillpoint.vault.crypto.ObjectKind;
import io.stillpoint.vault.index.ItemIndex;
import io.stillpoint.vault.pack.FrameReader;
import io.stillpoint.vault.pack.PackFile;
import io.stillpoint.vault.pack.PackGroup;
import io.stillpoint.vault.pack.Place;
import io.stillpoint.vault.point.Clocks;
import io.stillpoint.vault.point.RecoveryPoint;
import io.stillpoint.vault.record.DamagedFrames;
import io.stillpoint.vault.record.Forgotten;
import io.stillpoint.vault.record.PackList;
import io.stillpoint.vault.record.Records;
import io.stillpoint.vault.record.Records.Found;
import io.stillpoint.vault.record.Session;
import io.stillpoint.vault.record.Undone;
import io.stillpoint.vault.session.BackupSession;
import io.stillpoint.vault.session.Retention;
import io.stillpoint.vault.session.SessionGuard;
import io.stillpoint.vault.session.VaultParts;
import io.stillpoint.vault.session.VaultSettings;
import io.stillpoint.vault.store.ObjectId;
import io.stillpoint.vault.store.ObjectName;
import io.stillpoint.vault.store.ObjectName.Area;
import io.stillpoint.vault.store.ObjectStore;
import io.stillpoint.vault.store.ObjectStore.Listed;
import io.stillpoint.vault.store.VaultException;
import io.stillpoint.vault.store.VaultException.Kind;
import io.stillpoint.vault.tree.TreeShape;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// One run of prune. The steps, their order and why it is safe beside everything else: `docs/locking.md`. A run that ends
/// early, in whatever way, leaves nothing that the next one does not carry on from.
public final class Pruner {
    private static final int CENSUS_ATTEMPTS = 5;
    private static final long MIB = 1 << 20;

    /// MiB that say what is reachable, at least: enough for some millions of items.
    private static final int REACHABLE_MIN = 16;

    /// Everybody reads all verdicts, so they must not become many: after this the index is rewritten for the last ones.
    private static final Duration VERDICT_AGE_MAX = Duration.ofDays(30);

    /// A session whose newest record says that it was written so long ago is silent, whatever the store says of that record's
    /// age: a record that somebody puts back again and again keeps nothing for ever. If the session lives after all, its
    /// point can't be made; nothing is lost.
    private static final Duration RENEWAL_AGE_MAX = Duration.ofDays(30);

    /// For so long a session record that can't be read holds back what can't be undone. It may be junk; it may be the record
    /// of a session that the store has damaged, whose next renewal comes within the hour.
    private static final Duration UNREADABLE_HOLDS = Duration.ofDays(2);

    private final VaultParts parts;
    private final ObjectStore store;
    private final Records records;
    private final PruneRules rules;
    private final JobShare job;
    private final Cancellation cancellation;
    private final Duration delay;
    private final Map<ObjectId, Listed> packs = new HashMap<>();
    private final List<Text> warnings = new ArrayList<>();
    private final Map<ObjectId, Instant> verdictsMadeAt = new HashMap<>();
    private @Nullable Reachable bases;
    private boolean isHeld;
    private int purgedPoints;
    private int revokedSessions;
    private long reachableItems;
    private long deletedPacks;
    private long deletedBytes;
    private long keptPacks;
    private long waitingPacks;
    private long waitingBytes;
    private long condemnedPacks;
    private long condemnedBytes;
    private long rewrittenPacks;
    private long copiedBytes;
    private long retainedPacks;
    private long youngPacks;
    private long youngBytes;
    private @Nullable Instant youngUntil;
    private @Nullable Instant waitingUntil;
    private MemoryBudget.@Nullable Shares memory;

    /// What a prune can't work without, in bytes.
    public static long leastMemory(VaultSettings settings) {
        return REACHABLE_MIN * MIB + PackRewriter.leastMemory(settings);
    }

    /// @param job with at least [#leastMemory]
    public Pruner(VaultParts parts, PruneRules rules, JobShare job) {
        this.parts = parts;
        this.rules = rules;
        this.job = job;
        cancellation = job.cancellation();
        store = parts.contents().store();
        records = parts.records();
        delay = store.listingDelay();
    }

    public PruneResult run() {
        try {
            if (rules.dryRun()) {
                Instant now = parts.clock().instant();
                run(new Clocks(now, now), Set.of());
            } else {
                try (SessionGuard own =
                        SessionGuard.open(parts, parts.settings().patience(), Set.of())) {
                    run(new Clocks(parts.clock().instant(), own.madeAt()), Set.of(own.point()));
                }
            }
        } finally {
            if (memory != null) {
                memory.close();
            }
        }
        return new PruneResult(
                purgedPoints,
                revokedSessions,
                reachableItems,
                deletedPacks,
                deletedBytes,
                keptPacks,
                waitingPacks,
                waitingBytes,
                condemnedPacks,
                condemnedBytes,
                rewrittenPacks,
                copiedBytes,
                retainedPacks,
                youngPacks,
                youngBytes,
                Optional.ofNullable(youngUntil),
                Optional.ofNullable(waitingUntil),
                List.copyOf(warnings));
    }

    /// @param own the points of this run's own session
    private void run(Clocks clocks, Set<ObjectId> own) {
        Instant now = clocks.earlier();
        if (!clocks.agree()) {
            warnings.add(
                    text(
                            "vault.clocks-differ",
                            store.description(),
                            clocks.store(),
                            clocks.host()));
        }
        store.list(Area.PACKS, listed -> packs.put(listed.name().id(), listed));
        CatalogueCare catalogue = new CatalogueCare(parts.points());
        List<PackList> verdicts = standingVerdicts();
        // Condemnations before sessions: a session that is not seen now looks at them later.
        List<Found<PackList>> condemnations = records.condemned();
        List<Session> sessions = openSessions(now, own);
        Set<ObjectId> purged = purge(now, sessions);
        // Points after sessions: one that has ended has made its point.
        List<RecoveryPoint> roots = roots(sessions, purged);
        Set<ObjectId> condemned = new HashSet<>();
        condemnations.forEach(found -> condemned.addAll(found.record().packs()));
        verdicts.forEach(verdict -> condemned.addAll(verdict.packs()));
        ItemIndex index = index(now, condemned);
        retain(roots, now);
        Reachable reachable = mark(index, roots);
        PackCensus census = census(index, reachable, condemned);
        cancellation.check();
        try (DeletionCheck check =
                new DeletionCheck(parts.contents(), reachable, bases, condemned, cancellation)) {
            Set<ObjectId> judged = new HashSet<>();
            for (PackList verdict : verdicts) {
                judged.add(verdict.id());
                finish(verdict, check, isSeen(verdict, now));
            }
            for (Found<PackList> condemnation : condemnations) {
                if (!judged.contains(condemnation.record().id())) {
                    judge(condemnation, now, sessions, census.needed(), check);
                }
            }
        }
        condemn(now, census, condemned);
        dropVerdicts(now);
        dropQuarantine();
        dropUndone();
        if (!rules.dryRun()) {
            catalogue.run(roots, sessions, purged, now);
        }
        parts.records().junk().forEach(junk -> warnings.add(junk.text()));
    }

    /// Verdicts of earlier runs whose condemnations stand, to be carried out. A verdict whose condemnation is gone has been
    /// carried out, or was void: put by who had slept while others concluded the condemnation, and then died. A void one is
    /// deleted, since it keeps packs from being read that may be needed.
    private List<PackList> standingVerdicts() {
        List<PackList> standing = new ArrayList<>();
        for (Found<PackList> verdict : records.executed()) {
            verdictsMadeAt.put(verdict.record().id(), verdict.madeAt());
            if (records.isCondemned(verdict.record().id())) {
                standing.add(verdict.record());
            } else if (!rules.dryRun() && isVoid(verdict.record())) {
                records.deleteExecuted(verdict.record().id());
            }
        }
        return standing;
    }

    /// Whether a verdict without its condemnation names a pack that exists: a condemnation goes after all its packs.
    private boolean isVoid(PackList verdict) {
        return verdict.packs().stream()
                .map(packs::get)
                .anyMatch(listed -> listed != null && store.exists(listed.name()));
    }

    /// Whether every listing tells of the verdict by now; until then the condemnation must stay, since who sees neither
    /// relies on packs that are gone.
    private boolean isSeen(PackList verdict, Instant now) {
        Instant madeAt = verdictsMadeAt.get(verdict.id());
        return madeAt != null && !now.isBefore(madeAt.plus(delay));
    }

    /// Carries an earlier verdict out, as far as that is right today. A verdict is never wrong when it is made, so one that
    /// would delete what a point needs was put back by somebody, or what it relied on was lost since: it is withdrawn.
    private void finish(PackList verdict, DeletionCheck check, boolean isSeen) {
        Set<ObjectId> kept = check.needed(existing(verdict), false);
        Set<ObjectId> doomed = new HashSet<>(verdict.packs());
        doomed.removeAll(kept);
        if (kept.isEmpty()) {
            execute(verdict, isSeen);
            return;
        }
        keptPacks += kept.size();
        warnings.add(
                text(
                        "vault.verdict-withdrawn",
                        store.description(),
                        new ObjectName(Area.EXECUTED, verdict.id()),
                        kept.size()));
        execute(new PackList(verdict.id(), doomed), false);
        if (!rules.dryRun()) {
            // In this order: a verdict without its condemnation is void, a condemnation alone is
            // judged.
            records.deleteCondemned(verdict.id());
            records.deleteExecuted(verdict.id());
        }
    }

    private Set<ObjectId> existing(PackList list) {
        Set<ObjectId> existing = new HashSet<>(list.packs());
        existing.retainAll(packs.keySet());
        return existing;
    }

    /// @param isSeen see [#isSeen]
    private void execute(PackList verdict, boolean isSeen) {
        long retainedBefore = retainedPacks;
        for (ObjectId pack : verdict.packs()) {
            cancellation.check();
            Listed listed = packs.get(pack);
            if (listed != null && delete(listed.name())) {
                deletedPacks++;
                deletedBytes += listed.size();
                packs.remove(pack);
            }
        }
        if (isSeen && retainedPacks == retainedBefore && !rules.dryRun()) {
            records.deleteCondemned(verdict.id());
        }
    }

    /// Returns whether the pack is gone.
    private boolean delete(ObjectName pack) {
        if (rules.dryRun()) {
            return true;
        }
        try {
            store.delete(pack);
            return true;
        } catch (VaultException e) {
            if (e.kind() != Kind.RETAINED) {
                throw e;
            }
            retainedPacks++;
            return false;
        }
    }

    /// Sessions that may still make a point. Those that have been silent for too long are revoked.
    private List<Session> openSessions(Instant now, Set<ObjectId> own) {
        Map<ObjectId, List<Found<Session>>> byPoint = new HashMap<>();
        for (Found<Session> found : records.sessions()) {
            byPoint.computeIfAbsent(found.record().point(), _ -> new ArrayList<>()).add(found);
        }
        isHeld =
                records.unreadableSessions().stream()
                        .anyMatch(madeAt ->
                                Duration.between(madeAt, now).abs().compareTo(UNREADABLE_HOLDS)
                                        <= 0);
        List<Session> open = new ArrayList<>();
        byPoint.forEach((point, renewals) -> {
            if (!own.contains(point) && !isOver(point, renewals, now)) {
                renewals.forEach(found -> open.add(found.record()));
            }
        });
        return open;
    }

    private boolean isOver(ObjectId point, List<Found<Session>> renewals, Instant now) {
        boolean isSilent =
                renewals.stream()
                        .allMatch(found ->
                                found.madeAt().plusSeconds(found.record().patience()).isBefore(now)
                                        || found.record()
                                                .renewedAt()
                                                .isBefore(now.minus(RENEWAL_AGE_MAX)));
        boolean isOver =
                parts.points().isDecided(point, now.minus(delay)) || (isSilent && isRevoked(point));
        if (isOver && !rules.dryRun()) {
            renewals.forEach(found -> records.deleteSession(found.record().id()));
        }
        return isOver;
    }

    private boolean isRevoked(ObjectId point) {
        if (rules.dryRun()) {
            boolean isFree = !store.exists(new ObjectName(Area.POINTS, point));
            revokedSessions += isFree ? 1 : 0;
            return isFree;
        }
        try {
            records.revoke(point);
            revokedSessions++;
            return true;
        } catch (VaultException e) {
            if (e.kind() != Kind.EXISTS) {
                throw e;
            }
            // It has made its point in this moment, or the name is taken by what nobody can read:
            // then nothing is deleted at all until that is gone.
            return false;
        }
    }

    /// Deletes forgotten points whose time has come. Returns which.
    private Set<ObjectId> purge(Instant now, List<Session> sessions) {
        Set<ObjectId> bases = new HashSet<>();
        sessions.forEach(session -> bases.addAll(session.bases()));
        Set<ObjectId> purged = new HashSet<>();
        for (Found<Forgotten> found : records.forgotten()) {
            ObjectId point = found.record().point();
            boolean isDue =
                    !isHeld
                            && !now.isBefore(found.record().purgeAt())
                            && !now.isBefore(found.madeAt().plus(delay))
                            && !bases.contains(point)
                            // Read after `now` was: it may have been brought back before.
                            && records.isForgotten(point);
            if (isDue && !isLocked(point, now) && purge(point)) {
                purged.add(point);
                purgedPoints++;
            }
        }
        return purged;
    }

    private boolean isLocked(ObjectId point, Instant now) {
        try {
            return parts.points()
                    .byId(point)
                    .flatMap(RecoveryPoint::lockedUntil)
                    .filter(now::isBefore)
                    .isPresent();
        } catch (VaultException e) {
            throw e.isJunk() ? unsafe(e) : e;
        }
    }

    private boolean purge(ObjectId point) {
        if (rules.dryRun()) {
            return true;
        }
        try {
            store.delete(new ObjectName(Area.POINTS, point));
        } catch (VaultException e) {
            if (e.kind() != Kind.RETAINED) {
                throw e;
            }
            warnings.add(e.text());
            return false;
        }
        records.deleteForgotten(point);
        return true;
    }

    private List<RecoveryPoint> roots(List<Session> sessions, Set<ObjectId> purged) {
        Map<ObjectId, RecoveryPoint> roots = new HashMap<>();
        parts.points()
                .forEach((_, point, damage) -> {
                    if (damage != null) {
                        throw unsafe(damage);
                    }
                    if (point != null && !purged.contains(point.id())) {
                        roots.put(point.id(), point);
                    }
                });
        for (Session session : sessions) {
            // By name, since a listing may be late.
            parts.points().byId(session.point()).ifPresent(point -> roots.put(point.id(), point));
            for (ObjectId base : session.bases()) {
                parts.points().byId(base).ifPresent(point -> roots.put(base, point));
            }
        }
        return List.copyOf(roots.values());
    }

    /// Locks are extended here, since what a locked point needs may have been stored for a point whose lock was shorter.
    private void retain(List<RecoveryPoint> roots, Instant now) {
        if (!rules.dryRun()) {
            new Retention(parts, cancellation)
                    .extend(
                            roots.stream()
                                    .filter(point ->
                                            point.lockedUntil().filter(now::isBefore).isPresent())
                                    .toList());
        }
    }

    private static Text text(String code, Object... arguments) {
        return Text.of(VaultException.class, code, arguments);
    }

    private VaultException unsafe(VaultException e) {
        return new VaultException(e.kind(), "vault.prune-unsafe", e, store.description(), e);
    }

    /// @param condemned packs that must be known whatever their age: one that is not would look as if nothing in it were
    ///     needed
    private ItemIndex index(Instant now, Set<ObjectId> condemned) {
        ItemIndex index = parts.contents().refreshedIndex();
        index.adoptUnlisted(
                listed -> condemned.contains(listed.name().id()) || !isYoung(listed, now));
        index.flush();
        return index;
    }

    /// Again if another process replaced segments while they were read.
    private static PackCensus census(
            ItemIndex index, Reachable reachable, Set<ObjectId> condemned) {
        for (int attempt = 1; ; attempt++) {
            try {
                return PackCensus.take(index, reachable, condemned);
            } catch (VaultException e) {
                if (e.kind() != Kind.MISSING || attempt == CENSUS_ATTEMPTS) {
                    throw e;
                }
                index.refresh();
            }
        }
    }

    private boolean isYoung(Listed pack, Instant now) {
        return pack.modifiedAt().plus(rules.packAge()).isAfter(now);
    }

    /// For what is reachable. It can't be given back before the end, so there must be room for a backup beside it.
    private MemoryBudget.Shares memory(ItemIndex index) {
        long left =
                parts.contents().process().memory().free()
                        - BackupSession.leastMemory(parts.settings());
        long wanted = Math.min(Reachable.bytesFor(index.entries()), Math.max(0, left));
        memory = job.take(REACHABLE_MIN, Math.toIntExact(wanted / MIB + 1), MIB);
        return memory;
    }

    private Reachable mark(ItemIndex index, List<RecoveryPoint> roots) {
        Reachable reachable = new Reachable(index.entries(), memory(index).count() * MIB * 7 / 8);
        ReachWalk walk = new ReachWalk(parts.contents().nodes(), reachable, cancellation);
        try {
            roots.forEach(walk::add);
        } catch (VaultException e) {
            if (!e.isDamage()) {
                throw e;
            }
            throw unsafe(e);
        }
        reachableItems = walk.items();
        for (int attempt = 1; ; attempt++) {
            try {
                addBases(index, reachable);
                return reachable;
            } catch (VaultException e) {
                if (e.kind() == Kind.MISSING && attempt < CENSUS_ATTEMPTS) {
                    // Another prune may have deleted a pack: the index tells by now where its items
                    // are.
                    index.refresh();
                } else if (e.isDamage()) {
                    throw unsafe(e);
                } else {
                    throw e;
                }
            }
        }
    }

    /// What a reachable difference is made from is reachable too. Directories tell, so no data is read.
    private void addBases(ItemIndex index, Reachable reachable) {
        Set<ObjectId> withShortItems = new HashSet<>();
        index.forEach((id, places) -> {
            if (reachable.contains(id)) {
                for (Place place : index.damagedFrames().sound(places)) {
                    if (place.itemLength() < TreeShape.CHUNK) {
                        withShortItems.add(place.pack());
                    }
                }
            }
        });
        if (!withShortItems.isEmpty() && bases == null) {
            // Few chunks are bases; with too little room for them more is kept than must be.
            bases =
                    new Reachable(
                            index.entries(), Objects.requireNonNull(memory).count() * MIB / 8);
        }
        try (FrameReader reader = new FrameReader()) {
            for (ObjectId id : withShortItems) {
                cancellation.check();
                addBases(id, reader, reachable, Objects.requireNonNull(bases));
            }
        }
    }

    private void addBases(
            ObjectId id, FrameReader reader, Reachable reachable, Reachable onlyBases) {
        try (PackFile pack = PackFile.open(store, parts.contents().keys(), id)) {
            if (pack.kind() == ObjectKind.METADATA_PACK) {
                return;
            }
            for (PackGroup group : pack.directory(reader)) {
                for (int i = 0; i < group.ids().length; i++) {
                    ItemId base = group.bases()[i];
                    if (base != null && reachable.contains(group.ids()[i])) {
                        reachable.add(base);
                        onlyBases.add(base);
                    }
                }
            }
        }
    }

    /// The second step: a condemnation whose time has come gets its verdict.
    private void judge(
            Found<PackList> condemnation,
            Instant now,
            List<Session> sessions,
            Set<ObjectId> needed,
            DeletionCheck check) {
        PackList list = condemnation.record();
        Duration grace =
                rules.grace().compareTo(delay.multipliedBy(2)) < 0
                        ? delay.multipliedBy(2)
                        : rules.grace();
        Instant dueAt = condemnation.madeAt().plus(grace);
        boolean isDue =
                !isHeld
                        && !now.isBefore(dueAt)
                        && sessions.stream()
                                .allMatch(session -> session.known().contains(list.id()));
        if (!isDue) {
            waitingUntil = later(waitingUntil, dueAt);
            for (ObjectId pack : list.packs()) {
                Listed listed = packs.get(pack);
                waitingPacks++;
                waitingBytes += listed == null ? 0 : listed.size();
            }
            return;
        }
        Set<ObjectId> doomed = new HashSet<>(list.packs());
        doomed.removeAll(needed);
        // What points need is read where it is to stay, before the verdict that nobody takes back.
        Set<ObjectId> there = new HashSet<>(doomed);
        there.retainAll(packs.keySet());
        doomed.removeAll(check.needed(there, true));
        PackList verdict = new PackList(list.id(), doomed);
        if (isFinal(verdict)) {
            keptPacks += list.packs().size() - doomed.size();
            execute(verdict, delay.isZero());
        }
    }

    private static Instant later(@Nullable Instant one, Instant other) {
        return one == null || one.isBefore(other) ? other : one;
    }

    /// Puts the verdict. Returns whether it counts: another process may have judged before.
    private boolean isFinal(PackList verdict) {
        if (rules.dryRun()) {
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

    /// The first step: packs of which nothing is needed, and those of which little is needed, once that is copied.
    private void condemn(Instant now, PackCensus census, Set<ObjectId> alreadyCondemned) {
        Set<ObjectId> doomed = new HashSet<>();
        List<ObjectId> rewrite = new ArrayList<>();
        long copy = 0;
        for (ObjectId pack : census.sparse(rules.keepPercent())) {
            Listed listed = packs.get(pack);
            long needed = census.neededBytes(pack);
            if (listed != null && isYoung(listed, now)) {
                leaveYoung(listed);
                continue;
            }
            if (listed == null && (!isMissed(pack) || needed > 0)) {
                continue;
            }
            if (needed == 0) {
                doomed.add(pack);
            } else if (copy + needed <= rules.copyBytesMax()) {
                copy += needed;
                rewrite.add(pack);
            }
        }
        Set<ObjectId> known = parts.contents().index().packs();
        for (Listed listed : packs.values()) {
            // Of a backup that goes on, or that crashed: nobody has looked into it yet.
            if (!known.contains(listed.name().id())
                    && !alreadyCondemned.contains(listed.name().id())
                    && isYoung(listed, now)) {
                leaveYoung(listed);
            }
        }
        if (rules.dryRun()) {
            doomed.addAll(rewrite);
            rewrittenPacks = rewrite.size();
            copiedBytes = copy;
        } else if (!rewrite.isEmpty()) {
            doomed.addAll(rewritten(census, alreadyCondemned, rewrite));
        }
        for (ObjectId pack : doomed) {
            Listed listed = packs.get(pack);
            condemnedBytes += listed == null ? 0 : listed.size();
        }
        condemnedPacks = doomed.size();
        if (!doomed.isEmpty() && !rules.dryRun()) {
            records.putCondemned(new PackList(ObjectId.random(parts.randomness()), doomed));
        }
    }

    private void leaveYoung(Listed pack) {
        youngPacks++;
        youngBytes += pack.size();
        youngUntil = later(youngUntil, pack.modifiedAt().plus(rules.packAge()));
    }

    /// Copies what is needed of packs and returns those that can go. A store without room for the copies keeps them all: what
    /// needs no copy is condemned all the same.
    private Set<ObjectId> rewritten(
            PackCensus census, Set<ObjectId> alreadyCondemned, List<ObjectId> rewrite) {
        PackRewriter rewriter = new PackRewriter(parts, census, alreadyCondemned, job);
        // The reserve is for what makes room, and copies make none yet.
        store.useReserve(false);
        try {
            rewriter.run(rewrite);
        } catch (VaultException e) {
            if (e.kind() != Kind.STORE_FULL) {
                throw e;
            }
            warnings.add(
                    text(
                            "vault.prune-no-room",
                            store.description(),
                            Integer.toString(rewrite.size())));
            return Set.of();
        } finally {
            store.useReserve(true);
        }
        rewrittenPacks = rewriter.rewritten().size();
        copiedBytes = rewriter.copiedBytes();
        warnings.addAll(rewriter.warnings());
        return rewriter.rewritten();
    }

    /// Whether the pack is known to be missing, so that the index must not speak of it any longer.
    private boolean isMissed(ObjectId pack) {
        return parts.contents()
                .index()
                .damagedFrames()
                .frames()
                .getOrDefault(pack, Set.of())
                .contains(DamagedFrames.WHOLE_PACK);
    }

    /// Deletes what is known of damage in packs that are gone.
    private void dropQuarantine() {
        if (rules.dryRun()) {
            return;
        }
        Set<ObjectId> listed = parts.contents().refreshedIndex().packs();
        records.quarantined()
                .forEach((id, damaged) -> {
                    if (damaged.frames().keySet().stream()
                            .noneMatch(pack -> packs.containsKey(pack) || listed.contains(pack))) {
                        records.deleteQuarantined(id);
                    }
                });
    }

    /// Deletes what is known of forgettings that were undone once their points are gone, and forgotten records that do not
    /// count since they were undone.
    private void dropUndone() {
        if (rules.dryRun()) {
            return;
        }
        for (Found<Forgotten> found : records.undoneForgotten()) {
            ObjectId point = found.record().point();
            // It may have been forgotten anew since.
            if (!records.isForgotten(point)) {
                records.deleteForgotten(point);
            }
        }
        for (Undone undone : records.undone()) {
            if (!store.exists(new ObjectName(Area.POINTS, undone.point()))) {
                records.deleteUndone(undone.id());
            }
        }
    }

    /// Deletes verdicts that nobody needs to know any more: their packs are gone from the store and from the index.
    private void dropVerdicts(Instant now) {
        if (rules.dryRun()) {
            return;
        }
        ItemIndex index = parts.contents().refreshedIndex();
        List<Found<PackList>> verdicts = records.executed();
        Set<ObjectId> overdue = new HashSet<>();
        for (Found<PackList> verdict : verdicts) {
            if (verdict.madeAt().plus(rules.grace()).plus(VERDICT_AGE_MAX).isBefore(now)) {
                overdue.addAll(verdict.record().packs());
            }
        }
        Set<ObjectId> listed = index.dropGone(overdue);
        for (Found<PackList> verdict : verdicts) {
            boolean isOld =
                    !now.isBefore(verdict.madeAt().plus(rules.grace()))
                            && !now.isBefore(verdict.madeAt().plus(delay));
            boolean isDone =
                    verdict.record().packs().stream()
                            .noneMatch(pack -> packs.containsKey(pack) || listed.contains(pack));
            if (isOld && isDone && !records.isCondemned(verdict.record().id())) {
                records.deleteExecuted(verdict.record().id());
            }
        }
    }
}
