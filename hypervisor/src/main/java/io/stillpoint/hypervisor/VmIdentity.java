package io.stillpoint.hypervisor;

import io.stillpoint.platform.Json;
import io.stillpoint.platform.Sha256;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/// Which machine a backup is of. The rules by which two are the same stand in `docs/job.md`.
///
/// @param uuid lower case, or empty if the VM has none
/// @param host names the host and no other; made of its machine id, which it does not give away
/// @param hostName for people
/// @param process this run of the hypervisor's process, or empty
/// @param name what the hypervisor calls the VM; for people
/// @param images the files that the VM writes, absolute
/// @param backing the files below those, absolute
public record VmIdentity(
        String uuid,
        String host,
        String hostName,
        String process,
        String name,
        List<String> images,
        List<String> backing) {
    private static final String NO_UUID = "00000000-0000-0000-0000-000000000000";

    public VmIdentity {
        uuid = uuid.toLowerCase(Locale.ROOT);
        uuid = uuid.equals(NO_UUID) ? "" : uuid;
        images = List.copyOf(images);
        backing = List.copyOf(backing);
    }

    /// A machine of this host.
    public static VmIdentity here(
            String uuid, String process, String name, List<String> images, List<String> backing) {
        String hostName = line(Path.of("/proc/sys/kernel/hostname"));
        String machine = line(Path.of("/etc/machine-id"));
        return new VmIdentity(
                uuid,
                hashed(machine.isEmpty() ? hostName : machine),
                hostName,
                process,
                name,
                images,
                backing);
    }

    /// What a recovery point's configuration says; empty if it says nothing.
    public static Optional<VmIdentity> in(JsonNode configuration) {
        JsonNode identity = configuration.path("identity");
        String uuid = identity.path("uuid").asString(configuration.path("uuid").asString(""));
        VmIdentity found =
                new VmIdentity(
                        uuid,
                        identity.path("host").asString(""),
                        identity.path("hostName").asString(""),
                        identity.path("process").asString(""),
                        identity.path("name").asString(configuration.path("name").asString("")),
                        texts(identity.path("images")),
                        texts(identity.path("backing")));
        return found.uuid.isEmpty() && found.images.isEmpty()
                ? Optional.empty()
                : Optional.of(found);
    }

    /// As it goes into a recovery point's configuration, under `identity`.
    public ObjectNode json() {
        ObjectNode json =
                Json.object()
                        .put("uuid", uuid)
                        .put("host", host)
                        .put("hostName", hostName)
                        .put("process", process)
                        .put("name", name);
        put(json.putArray("images"), images);
        put(json.putArray("backing"), backing);
        return json;
    }

    /// Whether this is the machine that a point before was made of.
    public boolean isSameAs(VmIdentity before) {
        if (!uuid.isEmpty() && !before.uuid.isEmpty()) {
            return uuid.equals(before.uuid);
        }
        if (!host.equals(before.host)) {
            return false;
        }
        boolean isSameProcess = !process.isEmpty() && process.equals(before.process);
        // An overlay may have been put on an image since, or been committed back into it. A backing
        // file alone is
        // no sign: many machines may be made from one.
        return isSameProcess
                || shares(images, before.images)
                || shares(images, before.backing)
                || shares(backing, before.images);
    }

    /// This, with the uuid of the point before if that is known there alone.
    public VmIdentity completedBy(VmIdentity before) {
        return uuid.isEmpty() && isSameAs(before)
                ? new VmIdentity(before.uuid, host, hostName, process, name, images, backing)
                : this;
    }

    /// For people.
    @Override
    public String toString() {
        StringBuilder text = new StringBuilder();
        if (!name.isEmpty()) {
            text.append('"').append(name).append("\", ");
        }
        text.append(uuid.isEmpty() ? "no uuid" : "uuid " + uuid);
        if (!images.isEmpty()) {
            text.append(", images ")
                    .append(String.join(", ", images.subList(0, Math.min(3, images.size()))))
                    .append(images.size() > 3 ? " and " + (images.size() - 3) + " more" : "");
        }
        if (!hostName.isEmpty()) {
            text.append(", host ").append(hostName);
        }
        return text.toString();
    }

    private static boolean shares(List<String> some, List<String> others) {
        return !Collections.disjoint(some, others);
    }

    private static List<String> texts(JsonNode array) {
        return StreamSupport.stream(array.spliterator(), false)
                .map(each -> each.asString(""))
                .toList();
    }

    private static void put(ArrayNode array, List<String> texts) {
        texts.forEach(array::add);
    }

    private static String line(Path file) {
        try (Stream<String> lines = Files.lines(file)) {
            return lines.findFirst().orElse("").strip();
        } catch (IOException e) {
            return "";
        }
    }

    private static String hashed(String machine) {
        return Sha256.hex("stillpoint " + machine, 8);
    }
}
