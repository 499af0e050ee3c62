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
import java.util.Set;
import tools.jackson.databind.JsonNode;

/// Finds the disks of a VM: every writable medium in a fixed drive that the guest sees.
final class DiskList {
    /// Each disk is asked about by itself, and takes a handful of QEMU's connections and nodes.
    private static final int DISKS_MAX = 256;

    /// 1 PiB. Nothing that is larger is read to its end in anybody's lifetime.
    private static final long SIZE_MAX = 1L << 50;

    private final Monitor monitor;

    DiskList(Monitor monitor) {
        this.monitor = monitor;
    }

    /// A disk and the names it could have, best first.
    private record Candidate(GuestDisk disk, List<String> names) {}

    /// In the order of QEMU's list, which is that of the devices.
    List<GuestDisk> find() {
        Map<String, JsonNode> nodes = new HashMap<>();
        for (JsonNode node : monitor.nodes()) {
            nodes.put(node.path("node-name").asString(""), node);
        }
        List<Candidate> candidates = new ArrayList<>();
        for (JsonNode drive : monitor.execute("query-block")) {
            JsonNode inserted = drive.path("inserted");
            boolean isDisk =
                    inserted.isObject()
                            && !inserted.path("ro").asBoolean(false)
                            && !drive.path("removable").asBoolean(false)
                            && !drive.path("qdev").asString("").isEmpty();
            if (isDisk) {
                if (candidates.size() == DISKS_MAX) {
                    throw new HypervisorException(
                            Kind.UNSUPPORTED,
                            "vm.too-many-disks",
                            null,
                            monitor.socket(),
                            Integer.toString(DISKS_MAX));
                }
                String device = devicePath(drive.path("qdev").asString());
                String type = property(device, "type");
                // The firmware's variable store is flash, not a disk.
                if (!type.startsWith("cfi.pflash")) {
                    candidates.add(candidate(drive, nodes, device, type));
                }
            }
        }
        return named(candidates);
    }

    /// Devices with an id are listed by the id; those without by the path of an inner device.
    private static String devicePath(String qdev) {
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
        String format = inserted.path("drv").asString("");
        String serial = property(device, "serial");
        // Images of the first qcow2 version have no place for them.
        boolean storesBitmaps =
                format.equals("qcow2")
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
                        DiskBitmaps.in(details));
        String byId = "/machine/peripheral/";
        String id = device.startsWith(byId) ? device.substring(byId.length()) : "";
        return new Candidate(
                disk,
                List.of(
                        plain(serial),
                        plain(id),
                        plain(drive.path("device").asString("")),
                        generated(node) ? "" : plain(node)));
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
