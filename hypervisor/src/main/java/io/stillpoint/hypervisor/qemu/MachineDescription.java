package io.stillpoint.hypervisor.qemu;

import io.stillpoint.platform.Json;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/// The machine as QEMU tells it, in enough detail to build it again: `docs/job.md`, "What a point
/// records about the machine".
/// To be asked while nothing of ours is in the VM. Bounded, whatever QEMU answers. No secrets: what may be one is not
/// asked for, and masked in the command line.
final class MachineDescription {
    private static final int DEVICES_MAX = 256;
    private static final int PROPERTIES_MAX = 160;
    private static final int ASKED_MAX = 1024;
    private static final int TEXT_MAX = 2048;
    private static final int LIST_MAX = 256;
    private static final int ARGUMENTS_MAX = 1024;

    /// Properties of every device that are no values that it is made with.
    private static final String BUS = "parent_bus";

    private static final String ADDRESS = "legacy-addr";

    private static final Pattern SECRET_NAME =
            Pattern.compile("(?i).*(password|passphrase|secret-data|cookie|token).*");

    /// `backend: index=0,type=tap,...` of the human monitor's `info network`.
    private static final Pattern NET_BACKEND =
            Pattern.compile("\\s*\\\\?\\s*([^:\\s]+): index=\\d+,type=([a-z-]+),?(.*)");

    private final Monitor monitor;
    private final QemuVersion version;
    private final ObjectModel objects;

    MachineDescription(Monitor monitor, QemuVersion version) {
        this.monitor = monitor;
        this.version = version;
        objects = new ObjectModel(monitor);
    }

    /// The JSON that goes into the recovery point.
    ObjectNode of(DiskList.Found found) {
        ObjectNode machine =
                Json.object()
                        .put("name", ask("query-name").path("name").asString(""))
                        .put("uuid", ask("query-uuid").path("UUID").asString(""))
                        .put("hypervisor", "qemu")
                        .put("version", version.toString())
                        .put(
                                "machine",
                                objects.text("/machine", "type").replaceFirst("-machine$", ""))
                        .put(
                                "accelerator",
                                ask("query-kvm").path("enabled").asBoolean(false) ? "kvm" : "tcg");
        JsonNode cpus = ask("query-cpus-fast");
        machine.put("cpus", cpus.size());
        JsonNode memory = ask("query-memory-size-summary");
        machine.put(
                "memory",
                memory.path("base-memory").asLong(0) + memory.path("plugged-memory").asLong(0));
        machine.set("cpu", cpu(cpus));
        machine.set("machineProperties", machineProperties());
        machine.set("memoryDevices", bounded(ask("query-memory-devices")));
        List<JsonNode> drives = DiskList.drives(monitor);
        machine.set("firmware", firmware(drives));
        ArrayNode devices = devices();
        machine.set("devices", devices);
        machine.set("networks", networks(devices));
        machine.set("characterDevices", characterDevices());
        machine.set("objects", objects());
        machine.set("tpm", bounded(ask("query-tpm")));
        machine.set("commandLine", commandLine());
        machine.set("disks", disks(found, devices, drives));
        ArrayNode leftOut = machine.putArray("leftOut");
        for (LeftOut each : found.leftOut()) {
            leftOut.addObject()
                    .put("name", each.name())
                    .put("reason", each.reason().word())
                    .put("detail", masked(each.detail()));
        }
        machine.set("notStored", notStored(machine.path("tpm"), devices));
        return machine;
    }

    private ObjectNode cpu(JsonNode cpus) {
        ObjectNode cpu = Json.object();
        String path = cpus.path(0).path("qom-path").asString("");
        if (!path.isEmpty()) {
            cpu.put("type", objects.text(path, "type"));
        }
        cpu.put("target", cpus.path(0).path("target").asString(""));
        objects.get("/machine", "smp").ifPresent(topology -> cpu.set("topology", topology));
        ArrayNode slots = cpu.putArray("slots");
        for (JsonNode slot : ask("query-hotpluggable-cpus")) {
            if (slots.size() < LIST_MAX) {
                slots.addObject()
                        .put("type", slot.path("type").asString(""))
                        .put("count", slot.path("vcpus-count").asInt(0))
                        .put("plugged", slot.has("qom-path"))
                        .set("place", slot.path("props"));
            }
        }
        return cpu;
    }

    /// What was said with `-machine`, and what follows from it.
    private ObjectNode machineProperties() {
        List<String> names = new ArrayList<>();
        for (JsonNode each : objects.list("/machine")) {
            addValue(each, names);
        }
        ObjectNode values = Json.object();
        objects.get("/machine", names).forEach((name, value) -> put(values, name, value));
        return values;
    }

    /// Adds the name of a property that is a value and may be asked for.
    private static void addValue(JsonNode property, List<String> names) {
        String name = property.path("name").asString("");
        if (names.size() < ASKED_MAX
                && isValue(property.path("type").asString(""))
                && !isSecret(name)) {
            names.add(name);
        }
    }

    private ObjectNode firmware(List<JsonNode> drives) {
        ObjectNode firmware = Json.object();
        objects.get("/machine", List.of("firmware", "kernel", "initrd", "append", "dtb"))
                .forEach((name, value) -> {
                    if (!value.asString("").isEmpty()) {
                        firmware.put(name, shortened(value.asString()));
                    }
                });
        ArrayNode flash = firmware.putArray("flash");
        for (JsonNode drive : drives) {
            String device = drive.path("qdev").asString("");
            if (device.startsWith("/") && objects.text(device, "type").startsWith("cfi.pflash")) {
                JsonNode inserted = drive.path("inserted");
                flash.addObject()
                        .put("device", device)
                        .put("drive", drive.path("device").asString(""))
                        .put("file", masked(inserted.path("file").asString("")))
                        .put("format", inserted.path("drv").asString(""))
                        .put("size", inserted.path("image").path("virtual-size").asLong(0))
                        .put("readOnly", inserted.path("ro").asBoolean(false));
            }
        }
        return firmware;
    }

    /// What was said with `-device`: with an id, and without.
    private ArrayNode devices() {
        ArrayNode devices = Json.array();
        for (String folder : List.of("/machine/peripheral", "/machine/peripheral-anon")) {
            for (JsonNode each : objects.list(folder)) {
                String type = each.path("type").asString("");
                if (type.startsWith("child<") && devices.size() < DEVICES_MAX) {
                    String path = folder + "/" + each.path("name").asString("");
                    devices.add(device(path, type.substring("child<".length(), type.length() - 1)));
                }
            }
        }
        return devices;
    }

    private ObjectNode device(String path, String type) {
        ObjectNode device = Json.object().put("path", path).put("type", type);
        Map<String, JsonNode> defaults = new HashMap<>();
        List<String> names = new ArrayList<>();
        for (JsonNode each : objects.ofType(type)) {
            addValue(each, names);
            defaults.put(each.path("name").asString(""), each.path("default-value"));
        }
        names.addAll(List.of(BUS, ADDRESS));
        Map<String, JsonNode> found = objects.get(path, names);
        putText(device, "bus", found.remove(BUS));
        putText(device, "address", found.remove(ADDRESS));
        ObjectNode values = device.putObject("properties");
        found.forEach((name, value) -> {
            if (!value.equals(defaults.get(name))) {
                put(values, name, value);
            }
        });
        return device;
    }

    private static void putText(ObjectNode to, String name, @Nullable JsonNode value) {
        if (value != null && !value.asString("").isEmpty()) {
            to.put(name, value.asString());
        }
    }

    private ArrayNode networks(ArrayNode devices) {
        ArrayNode networks = Json.array();
        Map<String, Matcher> backends = backends();
        for (JsonNode device : devices) {
            JsonNode values = device.path("properties");
            if (values.has("mac")) {
                String netdev = values.path("netdev").asString("");
                ObjectNode network =
                        networks.addObject()
                                .put("device", device.path("path").asString(""))
                                .put("model", device.path("type").asString(""))
                                .put("mac", values.path("mac").asString(""))
                                .put("netdev", netdev);
                Matcher backend = backends.get(netdev);
                if (backend != null) {
                    network.put("backend", backend.group(2))
                            .put("backendDetail", masked(backend.group(3).strip()));
                }
            }
        }
        return networks;
    }

    private Map<String, Matcher> backends() {
        Map<String, Matcher> backends = new HashMap<>();
        monitor.ask("human-monitor-command", Json.object().put("command-line", "info network"))
                .map(text -> text.asString(""))
                .ifPresent(text ->
                        text.lines()
                                .limit(LIST_MAX)
                                .map(NET_BACKEND::matcher)
                                .filter(Matcher::matches)
                                .forEach(line -> backends.put(line.group(1), line)));
        return backends;
    }

    private ArrayNode characterDevices() {
        ArrayNode all = Json.array();
        for (JsonNode each : ask("query-chardev")) {
            if (all.size() < LIST_MAX) {
                all.addObject()
                        .put("id", each.path("label").asString(""))
                        .put("file", masked(each.path("filename").asString("")));
            }
        }
        return all;
    }

    /// Their ids and types alone: some of them are secrets.
    private ArrayNode objects() {
        ArrayNode all = Json.array();
        for (JsonNode each : objects.list("/objects")) {
            String type = each.path("type").asString("");
            boolean isOurs = each.path("name").asString("").startsWith("sp-");
            if (type.startsWith("child<") && !isOurs && all.size() < LIST_MAX) {
                all.addObject()
                        .put("id", each.path("name").asString(""))
                        .put("type", type.substring("child<".length(), type.length() - 1));
            }
        }
        return all;
    }

    private ArrayNode commandLine() {
        ArrayNode arguments = Json.array();
        for (String argument : monitor.process().arguments()) {
            if (arguments.size() < ARGUMENTS_MAX) {
                arguments.add(masked(argument));
            }
        }
        return arguments;
    }

    private ArrayNode disks(DiskList.Found found, ArrayNode devices, List<JsonNode> drives) {
        Map<String, JsonNode> byPath = new HashMap<>();
        devices.forEach(device -> byPath.put(device.path("path").asString(""), device));
        Map<String, JsonNode> byNode = new HashMap<>();
        for (JsonNode drive : drives) {
            byNode.put(
                    drive.path("inserted").path("node-name").asString(""), drive.path("inserted"));
        }
        ArrayNode disks = Json.array();
        for (GuestDisk disk : found.disks()) {
            ObjectNode each =
                    disks.addObject()
                            .put("name", disk.name())
                            .put("kind", disk.kind().word())
                            .put("node", disk.node())
                            .put("format", disk.format())
                            .put("file", masked(disk.file()))
                            .put("size", disk.size())
                            .put("device", disk.device())
                            .put("deviceType", disk.deviceType())
                            .put("serial", disk.serial())
                            .put("encrypted", disk.encrypted())
                            .put("readOnly", !disk.writable());
            JsonNode inserted = byNode.getOrDefault(disk.node(), Json.object());
            if (inserted.has("cache")) {
                each.set("cache", inserted.path("cache"));
            }
            String backing = inserted.path("backing_file").asString("");
            if (!backing.isEmpty()) {
                each.put("backingFile", masked(backing));
            }
            JsonNode device = byPath.getOrDefault(disk.device(), Json.object());
            copy(device, "bus", each, "bus");
            copy(device, "address", each, "address");
            JsonNode values = device.path("properties");
            copy(values, "bootindex", each, "bootIndex");
            objects.get(disk.device(), List.of("logical_block_size", "physical_block_size"))
                    .forEach((name, value) -> each.set(camel(name), value));
            for (String name : List.of("scsi-id", "lun", "channel", "unit")) {
                copy(values, name, each, name);
            }
        }
        return disks;
    }

    private static ArrayNode notStored(JsonNode tpm, ArrayNode devices) {
        ArrayNode all = Json.array();
        for (JsonNode each : tpm) {
            all.addObject()
                    .put("what", NotStored.TPM.word())
                    .put("device", each.path("id").asString("tpm"));
        }
        for (JsonNode device : devices) {
            NotStored.of(device.path("type").asString(""))
                    .ifPresent(what ->
                            all.addObject()
                                    .put("what", what.word())
                                    .put("device", device.path("path").asString("")));
        }
        return all;
    }

    private static void copy(JsonNode from, String name, ObjectNode to, String as) {
        if (from.has(name)) {
            to.set(as, from.get(name));
        }
    }

    private static String camel(String name) {
        String[] parts = name.split("_", -1);
        StringBuilder camel = new StringBuilder(parts[0]);
        for (int i = 1; i < parts.length; i++) {
            camel.append(Character.toUpperCase(parts[i].charAt(0)))
                    .append(parts[i], 1, parts[i].length());
        }
        return camel.toString();
    }

    /// Links and children are not values.
    private static boolean isValue(String type) {
        return !type.startsWith("child<") && !type.startsWith("link<") && !type.isEmpty();
    }

    private static boolean isSecret(String name) {
        return SECRET_NAME.matcher(name).matches();
    }

    private static void put(ObjectNode values, String name, JsonNode value) {
        if (values.size() == PROPERTIES_MAX) {
            return;
        }
        if (value.isString()) {
            if (!value.asString().isEmpty()) {
                values.put(name, masked(value.asString()));
            }
        } else if (value.isValueNode() && !value.isNull()) {
            values.set(name, value);
        }
    }

    /// What a command may not know is nothing.
    private JsonNode ask(String command) {
        return monitor.ask(command, Json.object()).orElse(Json.array());
    }

    private static ArrayNode bounded(JsonNode list) {
        ArrayNode bounded = Json.array();
        for (JsonNode each : list) {
            if (bounded.size() < LIST_MAX) {
                bounded.add(each);
            }
        }
        return bounded;
    }

    private static String shortened(String text) {
        return text.length() > TEXT_MAX ? text.substring(0, TEXT_MAX) + "…" : text;
    }

    static String masked(String text) {
        return shortened(SecretMask.apply(text));
    }
}
