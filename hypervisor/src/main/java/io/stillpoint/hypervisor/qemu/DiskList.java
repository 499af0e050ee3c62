package io.stillpoint.hypervisor.qemu;

import io.stillpoint.hypervisor.HypervisorException;
import io.stillpoint.hypervisor.HypervisorException.Kind;
import io.stillpoint.platform.Json;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/// Finds the disks of a VM: every writable medium in a fixed drive that the guest sees, the firmware's variables, and
/// what else was asked for.
final class DiskList {
    /// Drivers that are no format: they pass on what lies below them.
    private static final Set<String> FILTERS =
            Set.of("throttle", "copy-on-read", "compress", "preallocate", "blkdebug");

    /// Each disk is asked about by itself, and takes a handful of QEMU's connections and nodes.
    private static final int DISKS_MAX = 256;

    /// 1 PiB. Nothing that is larger is read to its end in anybody's lifetime.
    private static final long SIZE_MAX = 1L << 50;

    private final Monitor monitor;
    private final DiskChoice choice;
    private @Nullable Map<String, String> below;

    DiskList(Monitor monitor, DiskChoice choice) {
        this.monitor = monitor;
        this.choice = choice;
    }

    /// A disk and the names it could have, best first.
    private record Candidate(GuestDisk disk, List<String> names) {}

    /// What a VM has.
    record Found(List<GuestDisk> disks, List<LeftOut> leftOut) {
        Found {
            disks = List.copyOf(disks);
            leftOut = List.copyOf(leftOut);
        }
    }

    /// In the order of QEMU's list, which is that of the devices.
    List<GuestDisk> find() {
        return look().disks();
    }

    /// A device that sits on our filter, as an ended job leaves it.
    record Filtered(String device, String filter) {}

    List<Filtered> filtered() {
        List<Filtered> filtered = new ArrayList<>();
        for (JsonNode drive : monitor.execute("query-block")) {
            String node = drive.path("inserted").path("node-name").asString("");
            String qdev = drive.path("qdev").asString("");
            if (JobNames.Role.FILTER.isOf(node) && !qdev.isEmpty()) {
                filtered.add(new Filtered(devicePath(qdev), node));
            }
        }
        return filtered;
    }

    Found look() {
        Map<String, JsonNode> nodes = new HashMap<>();
        for (JsonNode node : monitor.nodes()) {
            nodes.put(node.path("node-name").asString(""), node);
        }
        List<Candidate> candidates = new ArrayList<>();
        List<LeftOut> leftOut = new ArrayList<>();
        for (JsonNode drive : monitor.execute("query-block")) {
            JsonNode inserted = drive.path("inserted");
            if (!inserted.isObject()) {
                continue;
            }
            if (candidates.size() + leftOut.size() == DISKS_MAX) {
                throw new HypervisorException(
                        Kind.UNSUPPORTED,
                        "vm.too-many-disks",
                        null,
                        monitor.socket(),
                        Integer.toString(DISKS_MAX));
            }
            String qdev = drive.path("qdev").asString("");
            String device = qdev.isEmpty() ? "" : devicePath(qdev);
            String type = device.isEmpty() ? "" : property(device, "type");
            boolean isFlash = type.startsWith("cfi.pflash");
            if (isFlash && inserted.path("ro").asBoolean(false)) {
                // The firmware itself: no state of the VM. Its file is in the configuration.
                continue;
            }
            Optional<LeftOut.Reason> reason = reasonToLeaveOut(drive, device, type);
            if (reason.isEmpty()) {
                candidates.add(candidate(drive, nodes, device, type));
            } else {
                String shown = drive.path("device").asString("");
                leftOut.add(
                        new LeftOut(
                                shown.isEmpty()
                                        ? (qdev.isEmpty()
                                                ? inserted.path("node-name").asString("?")
                                                : qdev)
                                        : shown,
                                reason.get(),
                                inserted.path("file").asString("")));
            }
        }
        return new Found(named(candidates), leftOut);
    }

    /// Nothing if the drive is to be stored.
    private Optional<LeftOut.Reason> reasonToLeaveOut(JsonNode drive, String device, String type) {
        if (device.isEmpty()) {
            return Optional.of(LeftOut.Reason.NOT_ATTACHED);
        }
        if (type.equals("scsi-generic") || type.equals("scsi-block")) {
            // Its commands go past block filters and bitmaps, and under a filter they fail.
            return Optional.of(LeftOut.Reason.PASS_THROUGH);
        }
        boolean isRemovable = drive.path("removable").asBoolean(false);
        if (isRemovable && !choice.removable() && !isReadOnly(drive)) {
            return Optional.of(
                    switch (type) {
                        case "sd-card" -> LeftOut.Reason.SD_CARD;
                        case "floppy" -> LeftOut.Reason.FLOPPY;
                        default -> LeftOut.Reason.REMOVABLE;
                    });
        }
        if (isReadOnly(drive) && !choice.readOnly()) {
            return Optional.of(isCdRom(type) ? LeftOut.Reason.CD_ROM : LeftOut.Reason.READ_ONLY);
        }
        return Optional.empty();
    }

    private static boolean isReadOnly(JsonNode drive) {
        return drive.path("inserted").path("ro").asBoolean(false);
    }

    private static boolean isCdRom(String type) {
        return type.endsWith("-cd");
    }

    private static GuestDisk.Kind kind(JsonNode drive, String type) {
        if (type.startsWith("cfi.pflash")) {
            return GuestDisk.Kind.FIRMWARE_VARIABLES;
        }
        if (isCdRom(type)) {
            return GuestDisk.Kind.CD_ROM;
        }
        return drive.path("removable").asBoolean(false)
                ? GuestDisk.Kind.REMOVABLE
                : GuestDisk.Kind.DISK;
    }

    /// Devices with an id are listed by the id; those without by the path of an inner device.
    static String devicePath(String qdev) {
        String path = qdev.startsWith("/") ? qdev : "/machine/peripheral/" + qdev;
        String inner = "/virtio-backend";
        return path.endsWith(inner) ? path.substring(0, path.length() - inner.length()) : path;
    }

    private Candidate candidate(
            JsonNode drive, Map<String, JsonNode> nodes, String device, String type) {
        JsonNode inserted = drive.path("inserted");
        String node = inserted.path("node-name").asString("");
        JsonNode details = nodes.getOrDefault(node, inserted);
        JsonNode image = details.path("image");
        String driver = inserted.path("drv").asString("");
        List<JsonNode> chain = chain(node, nodes);
        String format = format(driver, chain);
        String serial = property(device, "serial");
        // Images of the first qcow2 version have no place for them.
        boolean storesBitmaps =
                driver.equals("qcow2")
                        && !image.path("format-specific")
                                .path("data")
                                .path("compat")
                                .asString("")
                                .equals("0.10");
        GuestDisk disk =
                new GuestDisk(
                        node,
                        node,
                        device,
                        type,
                        format,
                        inserted.path("file").asString(""),
                        size(image, device),
                        serial,
                        storesBitmaps,
                        DiskBitmaps.in(details),
                        driver,
                        kind(drive, type),
                        !isReadOnly(drive),
                        chain.stream().anyMatch(DiskList::isEncrypted)
                                || inserted.path("encrypted").asBoolean(false));
        String byId = "/machine/peripheral/";
        String id = device.startsWith(byId) ? device.substring(byId.length()) : "";
        return new Candidate(
                disk,
                List.of(
                        plain(serial),
                        plain(id),
                        plain(drive.path("device").asString("")),
                        generated(node) ? "" : plain(node),
                        plain(byAddress(device, type)),
                        plain(last(device)),
                        plain(device)));
    }

    private static String last(String path) {
        return path.substring(path.lastIndexOf('/') + 1);
    }

    /// Where it is plugged in, which stays the same as long as the machine does.
    private String byAddress(String device, String type) {
        String address = property(device, "legacy-addr");
        return address.isEmpty() ? "" : type + "-" + address;
    }

    /// The node and those that it passes requests on to, down to the file.
    private List<JsonNode> chain(String node, Map<String, JsonNode> nodes) {
        List<JsonNode> chain = new ArrayList<>();
        Map<String, String> below = Map.of();
        String name = node;
        while (nodes.containsKey(name) && chain.size() < nodes.size()) {
            JsonNode each = nodes.get(name);
            chain.add(each);
            if (chain.size() == 1) {
                below = graph();
            }
            name = below.getOrDefault(name, "");
        }
        return chain;
    }

    private Map<String, String> graph() {
        Map<String, String> known = below;
        if (known == null) {
            known = BlockGraph.below(monitor);
            below = known;
        }
        return known;
    }

    private static String format(String driver, List<JsonNode> chain) {
        return chain.stream()
                .map(node -> node.path("drv").asString(""))
                .filter(each -> !FILTERS.contains(each))
                .findFirst()
                .orElse(driver);
    }

    private static boolean isEncrypted(JsonNode node) {
        JsonNode image = node.path("image");
        return node.path("drv").asString("").equals("luks")
                || node.path("encrypted").asBoolean(false)
                || image.path("encrypted").asBoolean(false)
                || image.path("format-specific").path("data").has("encrypt");
    }

    private long size(JsonNode image, String device) {
        JsonNode size = image.path("virtual-size");
        if (!size.isIntegralNumber() || size.asLong(-1) < 0 || size.asLong(-1) > SIZE_MAX) {
            throw new HypervisorException(
                    Kind.UNSUPPORTED,
                    "vm.disk-size",
                    null,
                    monitor.socket(),
                    device,
                    size.toString(),
                    Long.toString(SIZE_MAX));
        }
        return size.asLong();
    }

    /// QEMU makes up another such name at each start.
    private static boolean generated(String node) {
        return node.startsWith("#");
    }

    private String property(String device, String name) {
        return monitor.ask("qom-get", Json.object().put("path", device).put("property", name))
                .map(value -> value.asString(""))
                .orElse("");
    }

    /// Names go into recovery points, file names and commands.
    private static String plain(String name) {
        return name.strip().replaceAll("[^A-Za-z0-9._-]", "_");
    }

    /// Gives each disk the best name that no other disk could have.
    private List<GuestDisk> named(List<Candidate> candidates) {
        Map<String, Integer> uses = new HashMap<>();
        for (Candidate candidate : candidates) {
            for (String name : new LinkedHashSet<>(candidate.names)) {
                uses.merge(name, 1, Integer::sum);
            }
        }
        List<GuestDisk> disks = new ArrayList<>();
        Set<String> taken = new HashSet<>();
        for (Candidate candidate : candidates) {
            String name =
                    candidate.names.stream()
                            .filter(n -> !n.isEmpty() && uses.getOrDefault(n, 0) == 1)
                            .findFirst()
                            .orElse("");
            if (name.isEmpty() || !taken.add(name)) {
                throw new HypervisorException(
                        Kind.UNSUPPORTED,
                        "vm.disk-without-name",
                        null,
                        monitor.socket(),
                        candidate.disk.device());
            }
            disks.add(candidate.disk.named(name));
        }
        return disks;
    }
}
