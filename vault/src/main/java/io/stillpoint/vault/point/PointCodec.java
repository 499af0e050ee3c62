package io.stillpoint.vault.point;

import io.stillpoint.platform.Json;
import io.stillpoint.vault.crypto.Checksum;
import io.stillpoint.vault.crypto.ItemId;
import io.stillpoint.vault.crypto.ObjectHeader;
import io.stillpoint.vault.crypto.ObjectKind;
import io.stillpoint.vault.crypto.Sealer;
import io.stillpoint.vault.crypto.Slice;
import io.stillpoint.vault.crypto.VaultKeys;
import io.stillpoint.vault.pack.Where;
import io.stillpoint.vault.record.RecordCodec;
import io.stillpoint.vault.store.ObjectId;
import io.stillpoint.vault.store.ObjectName;
import java.nio.ByteBuffer;
import java.time.DateTimeException;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/// Recovery points as objects (section 8 of the format).
public final class PointCodec {
    private static final int BODY = ObjectHeader.LENGTH + Integer.BYTES;
    private static final int CRC = Integer.BYTES;
    private static final long SIZE_MAX = 1L << 60;

    private final VaultKeys keys;
    private final String store;
    private final RecordCodec revocations;

    public PointCodec(VaultKeys keys, String store) {
        this.keys = keys;
        this.store = store;
        revocations = new RecordCodec(store, keys);
    }

    public byte[] encode(RecoveryPoint point) {
        byte[] json = Json.bytes(toJson(point));
        byte[] header = new ObjectHeader(ObjectKind.POINT, point.id()).bytes();
        ByteBuffer object = ByteBuffer.allocate(BODY + json.length + Sealer.TAG + CRC);
        object.put(header).putInt(json.length + Sealer.TAG);
        new Sealer()
                .seal(
                        keys.objectKey(ObjectKind.POINT, point.id()),
                        ObjectHeader.LENGTH,
                        Slice.of(header),
                        Slice.of(json),
                        new Slice(object.array(), BODY, json.length + Sealer.TAG));
        object.putInt(
                object.capacity() - CRC, Checksum.of(object.array(), 0, object.capacity() - CRC));
        return object.array();
    }

    /// Returns null for a name that a holder of the key took so that no point can be made of it. Throws kinds `DAMAGED`
    /// and `TOO_NEW`.
    @Nullable RecoveryPoint decode(byte[] object, ObjectName name) {
        Where where = new Where(store, name);
        ObjectKind kind =
                ObjectHeader.read(
                                object,
                                EnumSet.of(ObjectKind.POINT, ObjectKind.REVOKED_POINT),
                                name,
                                store)
                        .kind();
        if (kind == ObjectKind.REVOKED_POINT) {
            // The letter alone says nothing: anybody can write it over that of a point.
            revocations.decode(kind, name, object);
            return null;
        }
        ByteBuffer buffer = ByteBuffer.wrap(object);
        int end = object.length - CRC;
        if (end < BODY + Sealer.TAG
                || buffer.getInt(end) != Checksum.of(object, 0, end)
                || buffer.getInt(ObjectHeader.LENGTH) != end - BODY) {
            throw where.damaged("checksum");
        }
        byte[] json = new byte[end - BODY - Sealer.TAG];
        if (!new Sealer()
                .open(
                        keys.objectKey(ObjectKind.POINT, name.id()),
                        ObjectHeader.LENGTH,
                        new Slice(object, 0, ObjectHeader.LENGTH),
                        new Slice(object, BODY, end - BODY),
                        Slice.of(json))) {
            throw where.damaged("authentication");
        }
        try {
            return fromJson(name.id(), Json.parse(json));
        } catch (JacksonException | IllegalArgumentException | DateTimeException e) {
            throw where.damaged("record");
        }
    }

    private static ObjectNode toJson(RecoveryPoint point) {
        ObjectNode json = Json.object();
        json.putObject("vm").put("name", point.vm()).set("configuration", point.configuration());
        json.put("startedAt", point.startedAt().toString());
        json.put("snapshotAt", point.snapshotAt().toString());
        json.put("createdAt", point.createdAt().toString());
        json.put("consistency", point.consistency().word());
        json.put("consistencyReason", point.consistencyReason());
        point.frozenMillis().ifPresent(millis -> json.put("frozenMillis", millis));
        ArrayNode disks = json.putArray("disks");
        point.disks().forEach(disk -> disks.add(toJson(disk)));
        json.put("storedBytes", point.storedBytes());
        json.put("writer", point.writer());
        point.lockedUntil().ifPresent(until -> json.put("lockedUntil", until.toString()));
        point.keptUntil().ifPresent(until -> json.put("keptUntil", until.toString()));
        point.copiedFrom().ifPresent(origin -> json.set("copiedFrom", toJson(origin)));
        if (point.lineage().ordinal() > 0) {
            ObjectNode lineage =
                    json.putObject("lineage").put("ordinal", point.lineage().ordinal());
            point.lineage().before().ifPresent(id -> lineage.put("before", id.toString()));
        }
        return json;
    }

    private static ObjectNode toJson(PointOrigin origin) {
        ObjectNode json = Json.object();
        json.put("vault", origin.vault().toString()).put("point", origin.point().toString());
        if (!origin.had().isEmpty()) {
            ArrayNode had = json.putArray("had");
            origin.had().stream().sorted().forEach(id -> had.add(id.toString()));
        }
        return json;
    }

    private static ObjectNode toJson(PointDisk disk) {
        ObjectNode json = Json.object();
        json.put("name", disk.name()).put("size", disk.image().size()).put("format", disk.format());
        ItemId root = disk.image().root();
        if (root != null) {
            json.put("root", root.toString());
        }
        disk.generation().ifPresent(generation -> json.put("generation", generation));
        json.put("method", disk.method().word()).put("reason", disk.reason());
        json.put("changedBytes", disk.changedBytes());
        json.put("readBytes", disk.readBytes()).put("newBytes", disk.newBytes());
        return json;
    }

    private static RecoveryPoint fromJson(ObjectId id, JsonNode json) {
        List<PointDisk> disks = new ArrayList<>();
        for (JsonNode disk : json.required("disks")) {
            disks.add(diskFromJson(disk));
        }
        JsonNode vm = json.required("vm");
        @Nullable JsonNode frozen = json.get("frozenMillis");
        @Nullable JsonNode locked = json.get("lockedUntil");
        @Nullable JsonNode kept = json.get("keptUntil");
        @Nullable JsonNode origin = json.get("copiedFrom");
        @Nullable JsonNode lineage = json.get("lineage");
        return new RecoveryPoint(
                id,
                vm.required("name").asString(),
                vm.get("configuration") instanceof ObjectNode node ? node : Json.object(),
                Json.instant(json, "startedAt"),
                Json.instant(json, "snapshotAt"),
                Json.instant(json, "createdAt"),
                Consistency.of(json.required("consistency").asString()),
                json.required("consistencyReason").asString(),
                frozen == null ? OptionalLong.empty() : OptionalLong.of(frozen.asLong()),
                disks,
                json.required("storedBytes").asLong(),
                json.required("writer").asString(),
                locked == null ? Optional.empty() : Optional.of(Json.instant(json, "lockedUntil")),
                kept == null ? Optional.empty() : Optional.of(Json.instant(json, "keptUntil")),
                origin == null ? Optional.empty() : Optional.of(originFromJson(origin)),
                lineage == null ? Lineage.UNKNOWN : lineageFromJson(lineage));
    }

    private static PointOrigin originFromJson(JsonNode json) {
        Set<ObjectId> had = new HashSet<>();
        json.path("had").forEach(id -> had.add(ObjectId.parse(id.asString())));
        return new PointOrigin(
                ObjectId.parse(json.required("vault").asString()),
                ObjectId.parse(json.required("point").asString()),
                had);
    }

    private static Lineage lineageFromJson(JsonNode json) {
        @Nullable JsonNode before = json.get("before");
        return new Lineage(
                json.required("ordinal").asLong(),
                before == null ? Optional.empty() : Optional.of(ObjectId.parse(before.asString())));
    }

    private static PointDisk diskFromJson(JsonNode json) {
        @Nullable JsonNode root = json.get("root");
        @Nullable JsonNode generation = json.get("generation");
        long size = json.required("size").asLong();
        if (size < 0 || size > SIZE_MAX) {
            throw new IllegalArgumentException("no size: " + size);
        }
        return new PointDisk(
                json.required("name").asString(),
                new DiskImage(size, root == null ? null : ItemId.parse(root.asString())),
                json.required("format").asString(),
                generation == null ? Optional.empty() : Optional.of(generation.asString()),
                PointDisk.Method.of(json.required("method").asString()),
                json.required("reason").asString(),
                json.required("changedBytes").asLong(),
                json.required("readBytes").asLong(),
                json.required("newBytes").asLong());
    }
}
