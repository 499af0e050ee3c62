package io.stillpoint.hypervisor.images;

import io.stillpoint.hypervisor.HeldDisk;
import io.stillpoint.hypervisor.HeldSnapshot;
import io.stillpoint.hypervisor.HypervisorException;
import io.stillpoint.hypervisor.HypervisorException.Kind;
import io.stillpoint.hypervisor.PreparedSnapshot;
import io.stillpoint.hypervisor.Shutdown;
import io.stillpoint.hypervisor.SnapshotDescriptor;
import io.stillpoint.hypervisor.SnapshotName;
import io.stillpoint.hypervisor.SnapshotRequest;
import io.stillpoint.hypervisor.VirtualMachine;
import io.stillpoint.hypervisor.VmIdentity;
import io.stillpoint.platform.Json;
import io.stillpoint.platform.Threads;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/// The disk images of a VM that does not run. Nothing writes them, so there is nothing to freeze and no
/// scratch space; that it stays so is proved at the end ([HeldSnapshot#proveValid]): for files by their size and times, for
/// block devices by what the system counts as written to them, for both by who has them open.
public final class StoppedImages implements VirtualMachine {
    private static final String PROVIDER = "images";
    private static final int SECRET_MAX = 64 << 10;

    private final String vmName;
    private final List<Image> images;
    private final Threads threads;

    private StoppedImages(String vmName, List<Image> images, Threads threads) {
        this.vmName = vmName;
        this.images = images;
        this.threads = threads;
    }

    private record Image(String name, ImageChain chain, byte[] secret) {}

    /// A file that is read because an image refers to it.
    ///
    /// @param disk whose image it is
    public record Reference(String disk, Path image, Path file) {}

    /// Each disk is named as its file without the ending; where two would have the same name, as the file with its ending,
    /// and then with the folders above it. Headers are read, and what they refer to is looked for; content is not.
    ///
    /// Throws a [HypervisorException][io.stillpoint.hypervisor.HypervisorException] of kind IMAGE when a file is
    /// missing, is no disk, is not of its format, refers to a file that is not there or that it must not refer to, or is
    /// given twice.
    ///
    /// @param images at least one
    /// @param bases files, or folders of files, that images may refer to besides what is in their own folder
    /// @param threads make those that watch over reading
    public static StoppedImages of(
            String vmName, List<ImageFile> images, List<Path> bases, Threads threads) {
        if (images.isEmpty()) {
            throw new IllegalArgumentException("no image");
        }
        Map<FileIdentity, Path> met = new HashMap<>();
        for (ImageFile image : images) {
            Path other = met.put(ImageChain.identity(image.path()), image.path());
            if (other != null) {
                throw ImageErrors.of("image.twice", image.path(), other);
            }
        }
        List<String> names = DiskNames.of(images);
        List<Image> found = new ArrayList<>();
        for (int i = 0; i < images.size(); i++) {
            ImageFile image = images.get(i);
            ImageChain chain = ImageChain.of(image, bases);
            found.add(new Image(names.get(i), chain, secret(image, chain)));
        }
        return new StoppedImages(vmName, List.copyOf(found), threads);
    }

    /// As above, with nothing to refer to outside of the images' own folders.
    public static StoppedImages of(String vmName, List<ImageFile> images, Threads threads) {
        return of(vmName, images, List.of(), threads);
    }

    private static byte[] secret(ImageFile image, ImageChain chain) {
        if (image.secret().isEmpty()) {
            if (chain.isEncrypted()) {
                throw ImageErrors.of("image.encrypted", image.path());
            }
            return new byte[0];
        }
        Path file = image.secret().get();
        if (!chain.isEncrypted()) {
            throw ImageErrors.of("image.not-encrypted", image.path(), file);
        }
        ImageChain.requireDisk(file);
        try (InputStream input = Files.newInputStream(file)) {
            byte[] secret = input.readNBytes(SECRET_MAX + 1);
            // As an editor leaves it.
            int length = secret.length;
            if (length > 0 && secret[length - 1] == '\n') {
                length--;
            }
            if (length == 0 || length > SECRET_MAX) {
                throw ImageErrors.of("image.bad-secret", file);
            }
            return Arrays.copyOf(secret, length);
        } catch (IOException e) {
            throw ImageErrors.failed(file, e);
        }
    }

    /// What is read besides the images that were named; to be shown before anything is stored.
    public List<Reference> references() {
        return images.stream()
                .flatMap(image ->
                        image.chain().references().stream()
                                .map(file ->
                                        new Reference(
                                                image.name(), image.chain().top().file(), file)))
                .toList();
    }

    @Override
    public boolean isOff() {
        return true;
    }

    @Override
    public boolean running() {
        return false;
    }

    @Override
    public VmIdentity identity() {
        List<String> files =
                images.stream()
                        .map(image -> absolute(image.chain().top().file()))
                        .sorted()
                        .toList();
        List<String> backing =
                images.stream()
                        .flatMap(image -> image.chain().references().stream())
                        .map(StoppedImages::absolute)
                        .distinct()
                        .sorted()
                        .toList();
        return VmIdentity.here("", "", vmName, files, backing);
    }

    @Override
    public Optional<Channel> channel(Path socket) {
        return Optional.empty();
    }

    /// `name`, `uuid` (empty), `hypervisor`, and `disks` with `name`, `file`, `format`, and `references` if it has any.
    @Override
    public ObjectNode configuration() {
        ObjectNode configuration =
                Json.object().put("name", vmName).put("uuid", "").put("hypervisor", "images");
        ArrayNode disks = configuration.putArray("disks");
        for (Image image : images) {
            ImageChain chain = image.chain();
            ObjectNode disk =
                    disks.addObject()
                            .put("name", image.name())
                            .put("file", chain.top().file().toAbsolutePath().toString())
                            .put("format", chain.top().format());
            if (chain.isEncrypted()) {
                disk.put("encrypted", true);
            }
            if (!chain.references().isEmpty()) {
                ArrayNode references = disk.putArray("references");
                chain.references().forEach(file -> references.add(file.toString()));
            }
        }
        return configuration;
    }

    @Override
    public PreparedSnapshot prepare(SnapshotRequest request) {
        List<HeldImage> held = new ArrayList<>();
        boolean done = false;
        try {
            images.forEach(image ->
                    held.add(HeldImage.hold(image.name(), image.chain(), image.secret(), threads)));
            done = true;
            return new Prepared(request.name(), held);
        } finally {
            if (!done) {
                held.forEach(HeldImage::close);
            }
        }
    }

    /// Nothing of a snapshot stays anywhere, so this opens the images anew, with the same names, formats and secrets.
    @Override
    public HeldSnapshot adopt(SnapshotDescriptor descriptor) {
        JsonNode disks = descriptor.state().path("disks");
        if (!descriptor.provider().equals(PROVIDER) || disks.size() != images.size()) {
            throw SnapshotDescriptor.unreadable(null, descriptor.provider() + " " + disks.size());
        }
        List<HeldImage> held = new ArrayList<>();
        boolean done = false;
        try {
            for (Image image : images) {
                held.add(
                        HeldImage.adopt(
                                image.name(),
                                image.chain(),
                                image.secret(),
                                disks.path(held.size()),
                                threads));
            }
            done = true;
            return new Held(descriptor.name(), held);
        } catch (HypervisorException e) {
            if (e.kind() != Kind.IMAGE) {
                throw e;
            }
            throw new HypervisorException(Kind.SNAPSHOT_BROKEN, "snapshot.not-whole", e, vmName, e);
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

    /// Images are held from the preparation on; any moment is the instant.
    private static final class Prepared implements PreparedSnapshot {
        private final SnapshotName name;
        private final List<HeldImage> images;
        private boolean taken;

        Prepared(SnapshotName name, List<HeldImage> images) {
            this.name = name;
            this.images = List.copyOf(images);
        }

        @Override
        public HeldSnapshot take() {
            taken = true;
            return new Held(name, images);
        }

        @Override
        public void close() {
            if (!taken) {
                images.forEach(HeldImage::close);
            }
        }
    }

    private record Held(SnapshotName name, List<HeldImage> images) implements HeldSnapshot {
        @Override
        public List<HeldDisk> disks() {
            return List.copyOf(images);
        }

        @Override
        public ObjectNode recording() {
            return Json.object();
        }

        @Override
        public Shutdown shutdown() {
            return images.stream().map(HeldImage::shutdown).reduce(Shutdown.CLEAN, Shutdown::and);
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
        public SnapshotDescriptor descriptor() {
            ObjectNode state = Json.object();
            ArrayNode array = state.putArray("disks");
            images.forEach(image -> array.add(image.json()));
            return new SnapshotDescriptor(
                    PROVIDER,
                    name,
                    images.stream()
                            .map(image ->
                                    new SnapshotDescriptor.Disk(
                                            image.name(),
                                            image.size(),
                                            image.format(),
                                            Optional.empty(),
                                            Optional.empty(),
                                            Optional.empty()))
                            .toList(),
                    state);
        }

        /// Only this process reads them.
        @Override
        public void detach() {
            images.forEach(HeldImage::close);
        }

        @Override
        public void close() {
            images.forEach(HeldImage::close);
        }
    }
}
