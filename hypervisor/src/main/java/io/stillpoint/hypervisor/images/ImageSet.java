package io.stillpoint.hypervisor.images;

import java.nio.file.Path;
import java.util.List;

/// The images of one VM that is off.
///
/// @param name of the VM, unique on this host; by it the VM is known
/// @param images as in [StoppedImages#of(String, List, List, Threads)]
/// @param bases as there
public record ImageSet(String name, List<ImageFile> images, List<Path> bases) {
    public ImageSet {
        images = List.copyOf(images);
        bases = List.copyOf(bases);
        if (name.isBlank() || images.isEmpty()) {
            throw new IllegalArgumentException("the VM \"" + name + "\" of " + images.size());
        }
    }
}
