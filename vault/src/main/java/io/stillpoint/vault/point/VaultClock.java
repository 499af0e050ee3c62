package io.stillpoint.vault.point;

import io.stillpoint.platform.Randomness;
import io.stillpoint.vault.record.Records;
import io.stillpoint.vault.store.VaultException;
import io.stillpoint.vault.store.VaultException.Kind;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;

/// The time that a vault goes by: this host's clock and that of the vault's store. Safe for use by several threads.
public final class VaultClock {
    private final String store;
    private final Records records;
    private final InstantSource host;
    private final Randomness randomness;

    /// @param store its description
    /// @param host this machine's clock
    public VaultClock(String store, Records records, InstantSource host, Randomness randomness) {
        this.store = store;
        this.records = records;
        this.host = host;
        this.randomness = randomness;
    }

    /// This machine's time.
    public Instant instant() {
        return host.instant();
    }

    /// What this host's clock and the store's show now. Makes and deletes an object.
    public Clocks clocks() {
        Instant ofStore = records.now(randomness);
        return new Clocks(host.instant(), ofStore);
    }

    /// Until when something is locked that is locked from now on. Throws kind `REFUSED` if the clocks are too far apart to
    /// tell: a lock that a wrong clock made can't be taken back.
    public Instant lockedUntil(Duration lock) {
        Clocks clocks = clocks();
        if (clocks.apart().compareTo(Clocks.LOCK_ERROR_MAX) > 0) {
            throw new VaultException(
                    Kind.REFUSED, "vault.clocks-apart", null, store, clocks.store(), clocks.host());
        }
        return clocks.later().plus(lock);
    }
}
