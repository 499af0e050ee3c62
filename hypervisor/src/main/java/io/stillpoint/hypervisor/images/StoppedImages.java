package io.stillpoint.hypervisor.images;

import io.stillpoint.hypervisor.HeldDisk;
import io.stillpoint.hypervisor.HeldSnapshot;
import io.stillpoint.hypervisor.PreparedSnapshot;
import io.stillpoint.hypervisor.SnapshotRequest;
import io.stillpoint.hypervisor.VirtualMachine;
import io.stillpoint.hypervisor.VmIdentity;
import io.stillpoint.platform.Json;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/// The disk images of a VM that does not run. Nothing writes them, so there is nothing to freeze and no
/// scratch space; that it stays so is proved at the end ([HeldSnapshot#proveValid]), for files by their size and
/// time of change and by QEMU's locks, for block devices by the locks alone.
public final class StoppedImages implements VirtualMachine {
    private final String vmName;
    private final Map<String, ImageFile> images;

    private StoppedImages(String vmName, Map<String, ImageFile> images) {
        this.vmName = vmName;
        this.images = images;
    }

    /// Each disk is named as its file without the extension.
    ///
    /// Throws a [HypervisorException][io.stillpoint.hypervisor.HypervisorException] of kind IMAGE when a file is
    /// missing or two would have the same name.
    ///
    /// @param images at least one
    public static StoppedImages of(String vmName, List<ImageFile> images) {
        if (images.isEmpty()) {
            throw new IllegalArgumentException("no image");
        }
        Map<String, ImageFile> named = new LinkedHashMap<>();
        for (ImageFile image : images) {
            Path path = image.path();
            if (!Files.exists(path) || Files.isDirectory(path)) {
                throw ImageErrors.of("image.missing", path);
            }
            image.format().ifPresent(format -> ImageFormat.checked(path, format));
            String name = diskName(path);
            ImageFile other = named.put(name, image);
            if (other != null) {
                throw ImageErrors.of("image.same-name", path, other.path(), name);
            }
        }
        return new StoppedImages(vmName, named);
    }

    @Override
    public boolean running() {
        return false;
    }

    @Override
    public VmIdentity identity() {
        List<String> files =
                images.values().stream().map(image -> absolute(image.path())).sorted().toList();
        return VmIdentity.here("", "", vmName, files, List.of());
    }

    @Override
    public Optional<Channel> channel(Path socket) {
        return Optional.empty();
    }

    /// `name`, `uuid` (empty), `hypervisor`, and `disks` with `name`, `file`, `format`.
    @Override
    public ObjectNode configuration() {
        ObjectNode configuration =
                Json.object().put("name", vmName).put("uuid", "").put("hypervisor", "images");
        ArrayNode disks = configuration.putArray("disks");
        images.forEach((name, image) ->
                disks.addObject()
                        .put("name", name)
                        .put("file", image.path().toAbsolutePath().toString())
                        .put("format", format(image)));
        return configuration;
    }

    @Override
    public PreparedSnapshot prepare(SnapshotRequest request) {
        List<HeldImage> held = new ArrayList<>();
        boolean done = false;
        try {
            images.forEach(
                    (name, image) -> held.add(HeldImage.hold(name, image.path(), format(image))));
            done = true;
            return new Prepared(held);
        } finally {
            if (!done) {
                held.forEach(HeldImage::close);
            }
        }
    }

    @Override
    public void close() {}

    private static String absolute(Path path) {
        try {
            return path.toRealPath().toString();
        } catch (IOException e) {
            throw ImageErrors.failed(path, e);
        }
    }

    private static String format(ImageFile image) {
        return image.format().orElseGet(() -> ImageFormat.detect(image.path()));
    }

    private static String diskName(Path path) {
        String file = path.getFileName().toString();
        int dot = file.lastIndexOf('.');
        return (dot > 0 ? file.substring(0, dot) : file).replaceAll("[^A-Za-z0-9._-]", "_");
    }

    /// Images are held from the preparation on; any moment is the instant.
    private static final class Prepared implements PreparedSnapshot {
        private final List<HeldImage> images;
        private boolean taken;

        Prepared(List<HeldImage> images) {
            this.images = List.copyOf(images);
        }

        @Override
        public HeldSnapshot take() {
            taken = true;
            return new Held(images);
        }

        @Override
        public void close() {
            if (!taken) {
                images.forEach(HeldImage::close);
            }
        }
    }

    private record Held(List<HeldImage> images) implements HeldSnapshot {
        @Override
        public List<HeldDisk> disks() {
            return List.copyOf(images);
        }

        @Override
        public ObjectNode recording() {
            return Json.object();
        }

        @Override
        public void proveValid() {
            images.forEach(HeldImage::proveValid);
        }

        @Override
        public void keepChanges() {
            // Files record no changes.
        }

        @Override
        public void close() {
            images.forEach(HeldImage::close);
        }
    }
}
