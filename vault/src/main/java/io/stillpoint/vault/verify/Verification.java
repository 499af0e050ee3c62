package io.stillpoint.vault.verify;

import io.stillpoint.platform.text.Text;
import io.stillpoint.vault.record.DamagedFrames;
import io.stillpoint.vault.store.ObjectId;
import java.util.List;
import java.util.SortedSet;

/// What a verification found.
///
/// @param packs how many were read; fewer than there are when a sample was asked for
/// @param bytes of packs read
/// @param items chunks and nodes checked
/// @param points how many were checked
/// @param problems everything found wrong
/// @param damagedPoints points that can't be restored whole
/// @param damagedFrames what to store again; see `Vault.quarantine`
public record Verification(
        long packs,
        long bytes,
        long items,
        int points,
        List<Text> problems,
        SortedSet<ObjectId> damagedPoints,
        DamagedFrames damagedFrames) {
    /// Whether nothing was found wrong.
    public boolean isSound() {
        return problems.isEmpty();
    }
}
