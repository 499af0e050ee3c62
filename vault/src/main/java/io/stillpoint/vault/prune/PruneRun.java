package io.stillpoint.vault.prune;

import io.stillpoint.platform.JobShare;
import io.stillpoint.vault.session.VaultParts;
import io.stillpoint.vault.store.ObjectId;
import io.stillpoint.vault.store.ObjectName.Area;
import io.stillpoint.vault.store.ObjectStore.Listed;
import io.stillpoint.vault.store.VaultException;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.Map;

/// What one run of prune goes by: the rules, the time, and the packs that there are. For one thread.
final class PruneRun {
    private final VaultParts parts;
    private final PruneRules rules;
    private final JobShare job;
    private final Instant now;
    private final Map<ObjectId, Listed> packs = new HashMap<>();
    private final Tally tally = new Tally();

    /// Lists the packs.
    ///
    /// @param now the earlier of two clocks that differ
    PruneRun(VaultParts parts, PruneRules rules, JobShare job, Instant now) {
        this.parts = parts;
        this.rules = rules;
        this.job = job;
        this.now = now;
        parts.contents().store().list(Area.PACKS, listed -> packs.put(listed.name().id(), listed));
    }

    VaultParts parts() {
        return parts;
    }

    PruneRules rules() {
        return rules;
    }

    JobShare job() {
        return job;
    }

    Instant now() {
        return now;
    }

    /// How late listings may be.
    Duration delay() {
        return parts.contents().store().listingDelay();
    }

    /// Those that this run has deleted are taken out.
    Map<ObjectId, Listed> packs() {
        return packs;
    }

    Tally tally() {
        return tally;
    }

    boolean isYoung(Listed pack) {
        return pack.modifiedAt().plus(rules.packAge()).isAfter(now);
    }

    /// Throws if the job is to stop.
    void check() {
        job.cancellation().check();
    }

    /// Something that a point needs can't be read, so nobody knows what else it needs.
    VaultException unsafe(VaultException e) {
        return new VaultException(
                e.kind(), "vault.prune-unsafe", e, parts.contents().location(), e);
    }
}
