package io.stillpoint.vault.record;

import io.stillpoint.platform.Json;
import io.stillpoint.vault.crypto.Checksum;
import io.stillpoint.vault.crypto.ItemHasher;
import io.stillpoint.vault.crypto.ObjectHeader;
import io.stillpoint.vault.crypto.ObjectKind;
import io.stillpoint.vault.crypto.VaultKeys;
import io.stillpoint.vault.pack.Where;
import io.stillpoint.vault.store.ObjectName;
import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.EnumSet;
import javax.crypto.Mac;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/// Records as objects (section 9 of the format): JSON that can be read without a key, and that only a holder of the
/// key can make.
public final class RecordCodec {
    private static final int JSON_AT = ObjectHeader.LENGTH + Integer.BYTES;
    private static final int MAC = 32;
    private static final int CRC = Integer.BYTES;
    private static final int TAIL = MAC + CRC;

    private final String store;
    private final VaultKeys keys;

    public RecordCodec(String store, VaultKeys keys) {
        this.store = store;
        this.keys = keys;
    }

    byte[] encode(ObjectKind kind, ObjectName name, ObjectNode content) {
        byte[] json = Json.bytes(content);
        ByteBuffer object = ByteBuffer.allocate(JSON_AT + json.length + TAIL);
        object.put(new ObjectHeader(kind, name.id()).bytes()).putInt(json.length).put(json);
        object.put(mac(object.array(), JSON_AT + json.length));
        object.putInt(Checksum.of(object.array(), 0, object.position()));
        return object.array();
    }

    /// What a record says that a holder of the key made under this very name. Throws kinds `DAMAGED` and `TOO_NEW`.
    public JsonNode decode(ObjectKind kind, ObjectName name, byte[] object) {
        Where where = new Where(store, name);
        ObjectHeader.read(object, EnumSet.of(kind), name, store);
        ByteBuffer buffer = ByteBuffer.wrap(object);
        int end = object.length - TAIL;
        if (end < JSON_AT
                || buffer.getInt(object.length - CRC) != Checksum.of(object, 0, object.length - CRC)
                || buffer.getInt(ObjectHeader.LENGTH) != end - JSON_AT) {
            throw where.damaged("checksum");
        }
        if (!MessageDigest.isEqual(mac(object, end), Arrays.copyOfRange(object, end, end + MAC))) {
            throw where.damaged("authentication");
        }
        try {
            return Json.parse(Arrays.copyOfRange(object, JSON_AT, end));
        } catch (JacksonException e) {
            throw where.damaged("record");
        }
    }

    private byte[] mac(byte[] bytes, int length) {
        Mac mac = ItemHasher.mac(keys.recordKey());
        mac.update(bytes, 0, length);
        return mac.doFinal();
    }
}
