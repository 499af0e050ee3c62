package io.stillpoint.hypervisor.qemu;

import io.stillpoint.hypervisor.qemu.JobNames.Role;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Predicate;

/// The scratch images of several snapshots of a VM, as they stand on each other: that of an older snapshot on that of the
/// next newer one, the newest on the disk. What the guest overwrites is copied to the newest alone, and read through it by
/// all others.
record FleeceChain(BlockGraph graph) {
    private List<String> fleeces() {
        return graph.names().stream().filter(Role.FLEECE::isOf).toList();
    }

    /// The image that this one stands on, if that is one of ours; else empty.
    private String next(String fleece) {
        String below = graph.child(fleece, "backing");
        return Role.FLEECE.isOf(below) ? below : "";
    }

    /// The newest image of the same disk: itself, if none is newer.
    String newest(String fleece) {
        String at = fleece;
        for (String below = next(at); !below.isEmpty(); below = next(at)) {
            at = below;
        }
        return at;
    }

    /// The jobs on whose images those of others stand.
    ///
    /// @param others which
    Set<JobNames> below(Predicate<JobNames> others) {
        Set<JobNames> found = new LinkedHashSet<>();
        for (String fleece : fleeces()) {
            if (JobNames.in(fleece).filter(others).isPresent()) {
                for (String at = next(fleece); !at.isEmpty(); at = next(at)) {
                    JobNames.in(at).ifPresent(found::add);
                }
            }
        }
        return found;
    }

    /// The jobs whose images stand on those of this one.
    Set<JobNames> above(JobNames job) {
        Set<JobNames> found = new LinkedHashSet<>();
        for (String fleece : fleeces()) {
            for (String at = next(fleece); !at.isEmpty(); at = next(at)) {
                if (JobNames.in(at).filter(job::equals).isPresent()) {
                    JobNames.in(fleece).ifPresent(found::add);
                }
            }
        }
        found.remove(job);
        return found;
    }

    /// These images, each before the one that it stands on: the only order in which they can be removed.
    List<String> oldestFirst(List<String> images) {
        List<String> ordered = new ArrayList<>();
        for (String image : images) {
            insert(image, images, ordered);
        }
        return ordered.reversed();
    }

    private void insert(String image, List<String> images, List<String> newestFirst) {
        if (newestFirst.contains(image)) {
            return;
        }
        String below = next(image);
        if (images.contains(below)) {
            insert(below, images, newestFirst);
        }
        newestFirst.add(image);
    }

    /// The filter that copies to this image what is overwritten in the disk; empty if there is none.
    String filter(String fleece, String disk) {
        return graph.names().stream()
                .filter(Role.FILTER::isOf)
                .filter(each -> graph.child(each, "target").equals(fleece))
                .filter(each -> graph.child(each, "file").equals(disk))
                .findFirst()
                .orElse("");
    }

    /// All filters of ours on this disk.
    List<String> filters(String disk) {
        return graph.names().stream()
                .filter(Role.FILTER::isOf)
                .filter(each -> graph.child(each, "file").equals(disk))
                .toList();
    }
}
