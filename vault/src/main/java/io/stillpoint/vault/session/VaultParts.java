package io.stillpoint.vault.session;

import io.stillpoint.platform.JobShare;
import io.stillpoint.platform.Randomness;
import io.stillpoint.vault.crypto.ObjectKind;
import io.stillpoint.vault.pack.PackWriter;
import io.stillpoint.vault.point.Points;
import io.stillpoint.vault.point.VaultClock;
import io.stillpoint.vault.read.Contents;
import io.stillpoint.vault.record.Records;
import io.stillpoint.vault.store.ObjectId;

/// An open vault as those see it who work on it: sessions, prune, verification, copies.
///
/// @param id the vault's
/// @param settings those of who says nothing else
public record VaultParts(
        ObjectId id,
        Contents contents,
        Points points,
        Records records,
        VaultClock clock,
        Randomness randomness,
        VaultSettings settings) {
    /// A writer of packs into this vault.
    ///
    /// @param job whose least has room for one pack
    public PackWriter packWriter(
            VaultSettings settings, ObjectKind kind, JobShare job, PackWriter.Sink sink) {
        PackWriter.Packs packs =
                new PackWriter.Packs(
                        contents.store(),
                        contents.keys(),
                        kind,
                        kind == ObjectKind.DATA_PACK
                                ? settings.dataPack()
                                : settings.metadataPack(),
                        randomness);
        return new PackWriter(packs, job, sink);
    }
}
