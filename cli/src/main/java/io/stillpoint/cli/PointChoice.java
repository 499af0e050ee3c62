package io.stillpoint.cli;

import io.stillpoint.vault.Vault;
import io.stillpoint.vault.point.RecoveryPoint;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/// Which recovery points are meant: a VM's, or one by its id or by the word `latest`.
final class PointChoice {
    static final String LATEST = "latest";

    private PointChoice() {}

    /// The points of a VM, oldest first. Fails if it has none: its name is mistyped then, or everything is gone.
    static List<RecoveryPoint> ofVm(Vault vault, List<RecoveryPoint> points, String vm) {
        List<RecoveryPoint> found = points.stream().filter(point -> point.vm().equals(vm)).toList();
        if (found.isEmpty()) {
            throw noSuchVm(vault, points, vm);
        }
        return found;
    }

    private static InputException noSuchVm(Vault vault, List<RecoveryPoint> points, String vm) {
        return points.isEmpty()
                ? new InputException("points.no-vm-at-all", vault.location(), vm)
                : new InputException("points.no-such-vm", vault.location(), vm, vms(points));
    }

    private static String vms(List<RecoveryPoint> points) {
        return points.stream()
                .map(RecoveryPoint::vm)
                .collect(Collectors.toCollection(TreeSet::new))
                .stream()
                .collect(Collectors.joining(", "));
    }

    /// The point of this id, or the newest one.
    ///
    /// @param word an id, its first digits, or `latest`
    /// @param vm whose point it must be; null: any VM's, but for `latest` there must be only one VM
    static RecoveryPoint one(Vault vault, String word, @Nullable String vm) {
        if (!word.equals(LATEST)) {
            RecoveryPoint point = vault.point(word);
            if (vm != null && !point.vm().equals(vm)) {
                throw new InputException("points.of-other-vm", point.id(), point.vm(), vm);
            }
            return point;
        }
        List<RecoveryPoint> points = vault.points();
        if (vm != null) {
            return newest(vault, ofVm(vault, points, vm));
        }
        Set<String> vms = points.stream().map(RecoveryPoint::vm).collect(Collectors.toSet());
        if (vms.isEmpty()) {
            throw new InputException("points.none-at-all", vault.location());
        }
        if (vms.size() > 1) {
            throw new InputException("points.which-vm", vault.location(), vms(points));
        }
        return newest(vault, points);
    }

    /// Says if there may be a newer one that can't be read.
    private static RecoveryPoint newest(Vault vault, List<RecoveryPoint> oldestFirst) {
        RecoveryPoint newest = oldestFirst.getLast();
        int unreadable = vault.unreadablePoints().size();
        if (unreadable > 0) {
            Output.complain(
                    Output.text(
                            "points.latest-unsure",
                            PointFormat.shortId(newest),
                            Integer.toString(unreadable)));
        }
        return newest;
    }
}
