package io.stillpoint.hypervisor.images;

import io.stillpoint.hypervisor.images.ImageHeader.Reference;
import io.stillpoint.platform.Json;
import io.stillpoint.platform.block.BlockSource;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;
import tools.jackson.databind.node.ObjectNode;

/// An image with all files that it refers to, the top one first. A header may name any file of the host, so a reference is
/// followed only into the image's own folder or where the caller said, and QEMU is given every file by name: it never
/// opens what it finds in a header.
///
/// @param layers the image, then what it is laid over, down to the one that stands by itself
record ImageChain(List<Layer> layers) {
    private static final int LAYERS_MAX = 100;
    private static final Pattern PROTOCOL = Pattern.compile("^[A-Za-z0-9+.-]+:.*", Pattern.DOTALL);
    private static final String SECRET = "secret0";

    /// @param data of a qcow2 image that keeps its content elsewhere
    /// @param extents that a VMDK descriptor names; QEMU opens them by its own reading of it
    record Layer(
            Path file,
            String format,
            FileIdentity identity,
            Optional<Path> data,
            List<Path> extents,
            String encryption,
            boolean isInUse) {
        List<Path> files() {
            List<Path> files = new ArrayList<>(List.of(file));
            data.ifPresent(files::add);
            files.addAll(extents);
            return files;
        }
    }

    /// Throws a [HypervisorException] of kind IMAGE that says what is wrong with which file.
    ///
    /// @param bases files, or folders of files, that images may refer to besides those in their own folder
    static ImageChain of(ImageFile image, List<Path> bases) {
        Path top = image.path();
        requireDisk(top);
        Set<Path> allowed = new HashSet<>();
        if (!identity(top).isBlockDevice()) {
            // All devices lie in one folder, which says nothing of what belongs to whom.
            allowed.add(folder(real(top)));
            allowed.add(real(folder(top.toAbsolutePath())));
        }
        bases.forEach(base -> allowed.add(real(base.toAbsolutePath())));
        List<Layer> layers = new ArrayList<>();
        Set<FileIdentity> met = new HashSet<>();
        Path file = top;
        Optional<String> said = image.format();
        while (true) {
            FileIdentity identity = identity(file);
            if (!met.add(identity) || layers.size() == LAYERS_MAX) {
                throw ImageErrors.of("image.endless-chain", top, file);
            }
            String format = ImageFormat.of(file, said, identity.isBlockDevice());
            ImageHeader header = header(file, format);
            Path at = file;
            layers.add(
                    new Layer(
                            file,
                            format,
                            identity,
                            header.data().map(data -> follow(at, data, allowed)),
                            header.extents().stream().map(e -> extent(at, e, allowed)).toList(),
                            header.encryption(),
                            header.isInUse()));
            if (header.backing().isEmpty()) {
                return new ImageChain(List.copyOf(layers));
            }
            Reference backing = header.backing().get();
            file = follow(at, backing, allowed);
            said = backing.format();
        }
    }

    /// All files but the image itself.
    List<Path> references() {
        return layers.stream().flatMap(layer -> layer.files().stream()).skip(1).toList();
    }

    Layer top() {
        return layers.getFirst();
    }

    /// Whether the bytes of the file are the bytes of the disk.
    boolean isPlain() {
        return layers.size() == 1 && top().format().equals(ImageFormat.RAW);
    }

    boolean isEncrypted() {
        return layers.stream().anyMatch(layer -> !layer.encryption().isEmpty());
    }

    /// The name of the node that is the disk.
    static final String TOP = "layer-0";

    /// QEMU's block nodes for reading the disk, each after those that it needs.
    List<ObjectNode> nodes() {
        List<ObjectNode> nodes = new ArrayList<>();
        for (int i = layers.size() - 1; i >= 0; i--) {
            Layer layer = layers.get(i);
            nodes.add(file("file-" + i, layer.file(), layer.identity()));
            ObjectNode node =
                    Json.object()
                            .put("driver", layer.format())
                            .put("file", "file-" + i)
                            .put("node-name", "layer-" + i)
                            .put("read-only", true);
            if (Set.of(ImageFormat.QCOW2, "qcow", "qed", "vmdk").contains(layer.format())) {
                if (i == layers.size() - 1) {
                    node.putNull("backing");
                } else {
                    node.put("backing", "layer-" + (i + 1));
                }
            }
            if (layer.data().isPresent()) {
                Path data = layer.data().get();
                nodes.add(file("data-" + i, data, identity(data)));
                node.put("data-file", "data-" + i);
            }
            if (layer.format().equals(ImageFormat.LUKS)) {
                node.put("key-secret", SECRET);
            } else if (!layer.encryption().isEmpty()) {
                node.putObject("encrypt")
                        .put("format", layer.encryption())
                        .put("key-secret", SECRET);
            }
            nodes.add(node);
        }
        return nodes;
    }

    /// The object that holds the passphrase, which is read from standard input in base64.
    static ObjectNode secret() {
        return Json.object()
                .put("qom-type", "secret")
                .put("id", SECRET)
                .put("format", "base64")
                .put("file", "/proc/self/fd/0");
    }

    private static ObjectNode file(String name, Path file, FileIdentity identity) {
        return Json.object()
                .put("driver", identity.isBlockDevice() ? "host_device" : "file")
                .put("filename", file.toAbsolutePath().toString())
                .put("node-name", name)
                .put("read-only", true);
    }

    private static ImageHeader header(Path file, String format) {
        if (format.equals(ImageFormat.RAW)) {
            return ImageHeader.PLAIN;
        }
        try (BlockSource source = RawSource.open(file)) {
            return ImageHeader.read(file, format, Region.of(source));
        }
    }

    /// A sparse extent could again be no more than a descriptor.
    private static Path extent(Path from, Reference extent, Set<Path> allowed) {
        Path file = follow(from, extent, allowed);
        if (extent.format().equals(Optional.of("vmdk"))
                && !header(file, "vmdk").extents().isEmpty()) {
            throw ImageErrors.of("image.endless-chain", from, file);
        }
        return file;
    }

    private static Path follow(Path from, Reference reference, Set<Path> allowed) {
        String name = reference.name();
        if (name.toLowerCase(Locale.ROOT).startsWith("file:")) {
            name = name.substring("file:".length());
        } else if (PROTOCOL.matcher(name).matches()) {
            throw ImageErrors.of("image.reference-no-file", from, name);
        }
        Path found;
        try {
            found = from.toAbsolutePath().resolveSibling(name);
        } catch (InvalidPathException e) {
            throw ImageErrors.of("image.reference-no-file", from, name);
        }
        if (!Files.exists(found)) {
            throw ImageErrors.of("image.reference-missing", from, found);
        }
        Path real = real(found);
        if (allowed.stream().noneMatch(each -> isWithin(real, each))) {
            throw ImageErrors.of("image.reference-outside", from, found);
        }
        requireDisk(found);
        return found;
    }

    /// Of the root folder only what is directly in it, for all else is below it.
    private static boolean isWithin(Path file, Path folder) {
        return folder.getNameCount() == 0
                ? folder.equals(file.getParent())
                : file.startsWith(folder);
    }

    /// Refuses what is no file with a disk's content, without opening it.
    static void requireDisk(Path file) {
        switch (identity(file).kind()) {
            case FILE, BLOCK_DEVICE -> {}
            case FOLDER -> throw ImageErrors.of("image.is-folder", file);
            case CHARACTER_DEVICE, FIFO, SOCKET, UNKNOWN ->
                    throw ImageErrors.of("image.no-disk", file);
        }
    }

    static FileIdentity identity(Path file) {
        if (file.toString().isEmpty() || !Files.exists(file)) {
            throw ImageErrors.of("image.missing", file);
        }
        try {
            return FileIdentity.of(file);
        } catch (IOException e) {
            throw ImageErrors.failed(file, e);
        }
    }

    private static Path folder(Path file) {
        Path folder = file.getParent();
        return folder == null ? file : folder;
    }

    private static Path real(Path path) {
        try {
            return path.toRealPath();
        } catch (IOException e) {
            throw ImageErrors.failed(path, e);
        }
    }
}
