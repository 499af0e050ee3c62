package io.stillpoint.hypervisor.images;

import io.stillpoint.hypervisor.ChangedBlocks;
import io.stillpoint.hypervisor.HeldDisk;
import io.stillpoint.hypervisor.HypervisorException;
import io.stillpoint.hypervisor.HypervisorException.Kind;
import io.stillpoint.hypervisor.Shutdown;
import io.stillpoint.hypervisor.images.Occupancy.Purpose;
import io.stillpoint.platform.Json;
import io.stillpoint.platform.Threads;
import io.stillpoint.platform.block.BlockSource;
import io.stillpoint.platform.text.Text;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/// An image that is only read, and that nobody else may write meanwhile.
final class HeldImage implements HeldDisk, AutoCloseable {
    /// Of a line of `/sys/block/*/stat`: write requests and sectors (Documentation/block/stat.rst of Linux).
    private static final List<Integer> WRITES = List.of(4, 6);

    private final String name;
    private final ImageChain chain;
    private final @Nullable StorageDaemon daemon;
    private final long size;
    private final List<String> stamps;

    private HeldImage(
            String name,
            ImageChain chain,
            @Nullable StorageDaemon daemon,
            long size,
            List<String> stamps) {
        this.name = name;
        this.chain = chain;
        this.daemon = daemon;
        this.size = size;
        this.stamps = stamps;
    }

    /// @param secret the passphrase of an encrypted image
    /// @param threads of the daemon that reads the image, if it needs one
    static HeldImage hold(String name, ImageChain chain, byte[] secret, Threads threads) {
        requireUnused(chain, "image.in-use");
        List<String> stamps = stamps(chain);
        StorageDaemon daemon = chain.isPlain() ? null : StorageDaemon.read(chain, secret, threads);
        boolean done = false;
        try (BlockSource source = open(chain, daemon)) {
            HeldImage image = new HeldImage(name, chain, daemon, source.size(), stamps);
            done = true;
            return image;
        } finally {
            if (!done && daemon != null) {
                daemon.close();
            }
        }
    }

    /// Holds again what an ended process held, if it is proved that nothing was written, moved or replaced since. Throws
    /// a [HypervisorException] of kind SNAPSHOT_BROKEN if it is not, or can't be.
    ///
    /// @param before what [#json] told then
    /// @param threads as in [#hold]
    static HeldImage adopt(
            String name, ImageChain chain, byte[] secret, JsonNode before, Threads threads) {
        for (Path file : files(chain)) {
            if (ImageChain.identity(file).isBlockDevice()) {
                throw new HypervisorException(
                        Kind.SNAPSHOT_BROKEN, "image.adopt-device", null, file);
            }
        }
        HeldImage image = hold(name, chain, secret, threads);
        if (image.json().toString().equals(before.toString())) {
            return image;
        }
        image.close();
        throw new HypervisorException(
                Kind.SNAPSHOT_BROKEN, "image.adopt-changed", null, chain.top().file());
    }

    /// What the image is, and what changes when anybody writes to one of its files: `name`, `size`, `format`, `files`.
    ObjectNode json() {
        ObjectNode json = Json.object().put("name", name).put("size", size).put("format", format());
        ArrayNode array = json.putArray("files");
        List<Path> files = files(chain);
        for (int i = 0; i < files.size(); i++) {
            array.addObject()
                    .put("path", files.get(i).toAbsolutePath().normalize().toString())
                    .put("stamp", stamps.get(i));
        }
        return json;
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public long size() {
        return size;
    }

    @Override
    public String format() {
        return chain.top().format();
    }

    @Override
    public ChangedBlocks changes() {
        return new ChangedBlocks.Unknown(ChangedBlocks.Reason.NOT_SUPPORTED);
    }

    @Override
    public Optional<String> generation() {
        return Optional.empty();
    }

    @Override
    public BlockSource open() {
        return open(chain, daemon);
    }

    /// What the image and the file systems on it tell about the VM's end.
    Shutdown shutdown() {
        if (chain.top().isInUse()) {
            return Shutdown.unclean(
                    Text.of(HeldDisk.class, "shutdown.image-in-use", name, chain.top().file()));
        }
        try (BlockSource source = open()) {
            return ShutdownReader.read(name, source);
        }
    }

    /// Throws a [HypervisorException] of kind IMAGE if the image was written since it is held.
    void proveValid() {
        if (!stamps(chain).equals(stamps)) {
            throw ImageErrors.of("image.changed", chain.top().file());
        }
        requireUnused(chain, "image.taken");
    }

    @Override
    public void close() {
        if (daemon != null) {
            daemon.close();
        }
    }

    private static BlockSource open(ImageChain chain, @Nullable StorageDaemon daemon) {
        return daemon == null ? RawSource.open(chain.top().file()) : daemon.source();
    }

    private static void requireUnused(ImageChain chain, String code) {
        for (Path file : files(chain)) {
            try {
                Occupancy.of(file, Purpose.READ)
                        .ifPresent(who -> {
                            throw ImageErrors.of(code, file, who);
                        });
            } catch (IOException e) {
                throw ImageErrors.failed(file, e);
            }
        }
    }

    private static List<Path> files(ImageChain chain) {
        return chain.layers().stream().flatMap(layer -> layer.files().stream()).toList();
    }

    /// What changes when a file is written, or a device.
    private static List<String> stamps(ImageChain chain) {
        List<String> stamps = new ArrayList<>();
        for (Path file : files(chain)) {
            try {
                stamps.add(stamp(file));
            } catch (IOException e) {
                throw ImageErrors.failed(file, e);
            }
        }
        return stamps;
    }

    private static String stamp(Path file) throws IOException {
        FileIdentity identity = FileIdentity.of(file);
        if (!identity.isBlockDevice()) {
            Map<String, Object> found =
                    Files.readAttributes(file, "unix:dev,ino,size,lastModifiedTime,ctime");
            return new TreeMap<>(found).toString();
        }
        Path statistics = Path.of("/sys/dev/block", identity.deviceNumber(), "stat");
        if (!Files.exists(statistics)) {
            return identity.toString();
        }
        String[] fields = Files.readString(statistics).strip().split("\\s+", -1);
        return identity
                + WRITES.stream()
                        .filter(field -> field < fields.length)
                        .map(field -> Arrays.asList(fields).get(field))
                        .toList()
                        .toString();
    }
}
