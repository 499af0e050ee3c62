package io.stillpoint.hypervisor.qemu;

import io.stillpoint.hypervisor.HypervisorException;
import io.stillpoint.hypervisor.HypervisorException.Kind;
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
import tools.jackson.databind.node.ObjectNode;

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
    private final ObjectModel objects;

    DiskList(Monitor monitor, DiskChoice choice) {
        this.monitor = monitor;
        this.choice = choice;
        objects = new ObjectModel(monitor);
    }

    /// A disk and the names it could have, best first.
    private record Candidate(GuestDisk disk, List<String> names) {}

    /// The device that a drive belongs to; all empty if to none.
    ///
    /// @param address where it is plugged in
    private record Device(String path, String type, String serial, String address) {}

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

    /// The nodes of the block graph; which stands on which is asked when it is first needed.
    private final class Nodes {
        private final JsonNode told;
        private final Map<String, JsonNode> byName = new HashMap<>();
        private @Nullable BlockGraph graph;

        Nodes(JsonNode told) {
            this.told = told;
            for (JsonNode node : told) {
                byName.put(node.path("node-name").asString(""), node);
            }
        }

        /// The node and those that it passes requests on to, down to the file.
        List<JsonNode> chain(String node) {
            List<JsonNode> chain = new ArrayList<>();
            Set<String> seen = new HashSet<>();
            String name = node;
            while (byName.containsKey(name) && seen.add(name)) {
                chain.add(byName.get(name));
                name = graph().child(name, "file");
            }
            return chain;
        }

        private BlockGraph graph() {
            BlockGraph known = graph;
            if (known == null) {
                known = BlockGraph.of(monitor, told);
                graph = known;
            }
            return known;
        }
    }

    /// As `query-block` has it, but for our filters: each drive has what the guest's device would be on without them.
    static List<JsonNode> drives(Monitor monitor) {
        return drives(monitor, monitor.nodes());
    }

    private static List<JsonNode> drives(Monitor monitor, JsonNode nodes) {
        List<JsonNode> drives = new ArrayList<>();
        Map<String, JsonNode> byName = new HashMap<>();
        nodes.forEach(node -> byName.put(node.path("node-name").asString(""), node));
        Map<String, String> below = Map.of();
        for (JsonNode drive : monitor.execute("query-block")) {
            String node = drive.path("inserted").path("node-name").asString("");
            if (!JobNames.Role.FILTER.isOf(node)) {
                drives.add(drive);
                continue;
            }
            if (below.isEmpty()) {
                below = BlockGraph.below(monitor);
            }
            JsonNode disk = byName.get(below.getOrDefault(node, ""));
            drives.add(
                    disk == null
                            ? drive
                            : ((ObjectNode) drive).deepCopy().set("inserted", disk.deepCopy()));
        }
        return drives;
    }

    Found look() {
        JsonNode told = monitor.nodes();
        Nodes nodes = new Nodes(told);
        List<Candidate> candidates = new ArrayList<>();
        List<LeftOut> leftOut = new ArrayList<>();
        for (JsonNode drive : drives(monitor, told)) {
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
            Device device = device(qdev);
            boolean isFlash = device.type.startsWith("cfi.pflash");
            if (isFlash && inserted.path("ro").asBoolean(false)) {
                // The firmware itself: no state of the VM. Its file is in the configuration.
                continue;
            }
            Optional<LeftOut.Reason> reason = reasonToLeaveOut(drive, device);
            if (reason.isEmpty()) {
                candidates.add(candidate(drive, nodes, device));
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
        List<GuestDisk> wanted = new ArrayList<>();
        for (GuestDisk disk : named(candidates)) {
            if (choice.leavesOut(disk.name())) {
                leftOut.add(new LeftOut(disk.name(), LeftOut.Reason.NOT_WANTED, disk.file()));
            } else {
                wanted.add(disk);
            }
        }
        return new Found(wanted, leftOut);
    }

    private Device device(String qdev) {
        if (qdev.isEmpty()) {
            return new Device("", "", "", "");
        }
        String path = devicePath(qdev);
        Map<String, String> found = new HashMap<>();
        objects.get(path, List.of("type", "serial", "legacy-addr"))
                .forEach((name, value) -> found.put(name, value.asString("")));
        return new Device(
                path,
                found.getOrDefault("type", ""),
                found.getOrDefault("serial", ""),
                found.getOrDefault("legacy-addr", ""));
    }

    /// Nothing if the drive is to be stored.
    private Optional<LeftOut.Reason> reasonToLeaveOut(JsonNode drive, Device device) {
        String type = device.type;
        if (device.path.isEmpty()) {
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

    private Candidate candidate(JsonNode drive, Nodes nodes, Device device) {
        JsonNode inserted = drive.path("inserted");
        String node = inserted.path("node-name").asString("");
        JsonNode details = nodes.byName.getOrDefault(node, inserted);
        JsonNode image = details.path("image");
        String driver = inserted.path("drv").asString("");
        List<JsonNode> chain = nodes.chain(node);
        String format = format(driver, chain);
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
                        device.path,
                        device.type,
                        format,
                        inserted.path("file").asString(""),
                        size(image, device.path),
                        device.serial,
                        storesBitmaps,
                        DiskBitmaps.in(details),
                        driver,
                        kind(drive, device.type),
                        !isReadOnly(drive),
                        chain.stream().anyMatch(DiskList::isEncrypted)
                                || inserted.path("encrypted").asBoolean(false));
        String byId = "/machine/peripheral/";
        String id = device.path.startsWith(byId) ? device.path.substring(byId.length()) : "";
        return new Candidate(
                disk,
                List.of(
                        plain(device.serial),
                        plain(id),
                        plain(drive.path("device").asString("")),
                        generated(node) ? "" : plain(node),
                        plain(byAddress(device)),
                        plain(last(device.path)),
                        plain(device.path)));
    }

    private static String last(String path) {
        return path.substring(path.lastIndexOf('/') + 1);
    }

    /// Where it is plugged in, which stays the same as long as the machine does.
    private static String byAddress(Device device) {
        return device.address.isEmpty() ? "" : device.type + "-" + device.address;
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
