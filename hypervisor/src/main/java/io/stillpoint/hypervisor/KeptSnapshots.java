package io.stillpoint.hypervisor;

import java.util.LinkedHashSet;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/// The snapshots that some journal names. Whoever sweeps is given such a set and leaves them alone, with everything of
/// theirs; all else that carries our names is removed (`docs/job.md`). Who has no journal keeps none.
///
/// @param names of whatever VM and lineage
public record KeptSnapshots(Set<SnapshotName> names) {
    /// A sweep removes every snapshot.
    public static final KeptSnapshots NONE = new KeptSnapshots(Set.of());

    public KeptSnapshots {
        names = Set.copyOf(names);
    }

    /// These alone.
    public static KeptSnapshots of(SnapshotName... names) {
        return new KeptSnapshots(Set.of(names));
    }

    /// This one, if there is one.
    public static KeptSnapshots of(Optional<SnapshotName> name) {
        return name.map(KeptSnapshots::of).orElse(NONE);
    }

    public boolean contains(SnapshotName name) {
        return names.contains(name);
    }

    /// This set and one more.
    public KeptSnapshots with(SnapshotName name) {
        Set<SnapshotName> more = new LinkedHashSet<>(names);
        more.add(name);
        return new KeptSnapshots(more);
    }

    /// This set but for one.
    public KeptSnapshots without(SnapshotName name) {
        return new KeptSnapshots(
                names.stream()
                        .filter(each -> !each.equals(name))
                        .collect(Collectors.toUnmodifiableSet()));
    }
}
