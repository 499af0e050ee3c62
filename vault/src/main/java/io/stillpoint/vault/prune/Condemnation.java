package io.stillpoint.vault.prune;

import io.stillpoint.vault.record.DamagedFrames;
import io.stillpoint.vault.record.PackList;
import io.stillpoint.vault.record.Records;
import io.stillpoint.vault.store.ObjectId;
import io.stillpoint.vault.store.ObjectStore;
import io.stillpoint.vault.store.ObjectStore.Listed;
import io.stillpoint.vault.store.VaultException;
import io.stillpoint.vault.store.VaultException.Kind;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/// The first step: packs that nothing needs any more are condemned, and those of which little is needed, once that is copied.
final class Condemnation {
    private final PruneRun run;
    private final Tally tally;
    private final ObjectStore store;
    private final Records records;

    Condemnation(PruneRun run) {
        this.run = run;
        tally = run.tally();
        store = run.parts().contents().store();
        records = run.parts().records();
    }

    /// The first step: packs of which nothing is needed, and those of which little is needed, once that is copied.
    void run(PackCensus census, Set<ObjectId> alreadyCondemned) {
        Set<ObjectId> doomed = new HashSet<>();
        List<ObjectId> rewrite = new ArrayList<>();
        long copy = 0;
        for (ObjectId pack : census.sparse(run.rules().keepPercent())) {
            Listed listed = run.packs().get(pack);
            long needed = census.neededBytes(pack);
            if (listed != null && run.isYoung(listed)) {
                leaveYoung(listed);
                continue;
            }
            if (listed == null && (!isMissed(pack) || needed > 0)) {
                continue;
            }
            if (needed == 0) {
                doomed.add(pack);
            } else if (copy + needed <= run.rules().copyBytesMax()) {
                copy += needed;
                rewrite.add(pack);
            }
        }
        Set<ObjectId> known = run.parts().contents().index().packs();
        for (Listed listed : run.packs().values()) {
            // Of a backup that goes on, or that crashed: nobody has looked into it yet.
            if (!known.contains(listed.name().id())
                    && !alreadyCondemned.contains(listed.name().id())
                    && run.isYoung(listed)) {
                leaveYoung(listed);
            }
        }
        if (run.rules().dryRun()) {
            doomed.addAll(rewrite);
            tally.rewrittenPacks = rewrite.size();
            tally.copiedBytes = copy;
        } else if (!rewrite.isEmpty()) {
            doomed.addAll(rewritten(census, alreadyCondemned, rewrite));
        }
        for (ObjectId pack : doomed) {
            Listed listed = run.packs().get(pack);
            tally.condemnedBytes += listed == null ? 0 : listed.size();
        }
        tally.condemnedPacks = doomed.size();
        if (!doomed.isEmpty() && !run.rules().dryRun()) {
            records.putCondemned(new PackList(ObjectId.random(run.parts().randomness()), doomed));
        }
    }

    private void leaveYoung(Listed pack) {
        tally.youngPacks++;
        tally.youngBytes += pack.size();
        tally.youngUntil(pack.modifiedAt().plus(run.rules().packAge()));
    }

    /// Copies what is needed of packs and returns those that can go. A store without room for the copies keeps them all: what
    /// needs no copy is condemned all the same.
    private Set<ObjectId> rewritten(
            PackCensus census, Set<ObjectId> alreadyCondemned, List<ObjectId> rewrite) {
        PackRewriter rewriter = new PackRewriter(run.parts(), census, alreadyCondemned, run.job());
        // The reserve is for what makes room, and copies make none yet.
        store.useReserve(false);
        try {
            rewriter.run(rewrite);
        } catch (VaultException e) {
            if (e.kind() != Kind.STORE_FULL) {
                throw e;
            }
            tally.warn(
                    Tally.text(
                            "vault.prune-no-room",
                            store.description(),
                            Integer.toString(rewrite.size())));
            return Set.of();
        } finally {
            store.useReserve(true);
        }
        tally.rewrittenPacks = rewriter.rewritten().size();
        tally.copiedBytes = rewriter.copiedBytes();
        rewriter.warnings().forEach(tally::warn);
        return rewriter.rewritten();
    }

    /// Whether the pack is known to be missing, so that the index must not speak of it any longer.
    private boolean isMissed(ObjectId pack) {
        return run.parts()
                .contents()
                .index()
                .damagedFrames()
                .frames()
                .getOrDefault(pack, Set.of())
                .contains(DamagedFrames.WHOLE_PACK);
    }
}
