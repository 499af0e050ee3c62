package io.stillpoint.hypervisor.images;

import io.stillpoint.hypervisor.Hypervisor;
import io.stillpoint.hypervisor.HypervisorException;
import io.stillpoint.hypervisor.HypervisorException.Kind;
import io.stillpoint.hypervisor.VirtualMachine;
import io.stillpoint.hypervisor.VmId;
import io.stillpoint.hypervisor.VmIdentity;
import io.stillpoint.hypervisor.images.Occupancy.Purpose;
import io.stillpoint.platform.Threads;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// VMs that are off, each a set of images. A VM is known by its name, which stays when its images move.
public final class ImageHypervisor implements Hypervisor {
    private final Map<VmId, ImageSet> sets = new LinkedHashMap<>();
    private final Threads threads;

    /// Throws an [IllegalArgumentException] if two have one name.
    ///
    /// @param threads as in [StoppedImages#of(String, List, List, Threads)]
    public ImageHypervisor(List<ImageSet> sets, Threads threads) {
        this.threads = threads;
        for (ImageSet set : sets) {
            if (this.sets.put(id(set), set) != null) {
                throw new IllegalArgumentException("two VMs named " + set.name());
            }
        }
    }

    private static VmId id(ImageSet set) {
        VmIdentity nameless = VmIdentity.here("", "", "", List.of(), List.of());
        return VmId.of(nameless, "images", set.name());
    }

    /// A VM whose image somebody uses may run: nobody can tell from here.
    @Override
    public Found find() {
        List<Vm> vms = new ArrayList<>();
        List<Unanswered> missing = new ArrayList<>();
        sets.forEach((id, set) -> {
            try {
                vms.add(vm(id, set));
            } catch (HypervisorException e) {
                missing.add(new Unanswered(set.images().getFirst().path().toString(), e));
            }
        });
        return new Found(vms, missing);
    }

    private static Vm vm(VmId id, ImageSet set) {
        Power power = Power.OFF;
        for (ImageFile image : set.images()) {
            ImageChain.requireDisk(image.path());
            try {
                if (Occupancy.of(image.path(), Purpose.READ).isPresent()) {
                    power = Power.UNKNOWN;
                }
            } catch (IOException e) {
                throw ImageErrors.failed(image.path(), e);
            }
        }
        return new Vm(id, set.name(), power);
    }

    @Override
    public Description describe(VmId id) {
        ImageSet set = set(id);
        Vm vm = vm(id, set);
        try (StoppedImages images = opened(set)) {
            return new Description(vm, images.identity(), images.configuration());
        }
    }

    @Override
    public VirtualMachine open(VmId id) {
        return opened(set(id));
    }

    private StoppedImages opened(ImageSet set) {
        return StoppedImages.of(set.name(), set.images(), set.bases(), threads);
    }

    private ImageSet set(VmId id) {
        ImageSet set = sets.get(id);
        if (set == null) {
            throw new HypervisorException(Kind.UNREACHABLE, "vm.unknown", null, id);
        }
        return set;
    }
}
