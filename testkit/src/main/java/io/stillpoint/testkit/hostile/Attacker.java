package io.stillpoint.testkit.hostile;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.stream.Stream;
import java.util.zip.CRC32C;

/// Does to a vault in a folder whatever can be done to it without the key. Written from `docs/vault-format.md`; shares no code
/// with the vault. Objects are named as the format names them: `points/<id>`.
public final class Attacker {
    private static final int HEADER = 32;
    private static final int CRC = 4;
    private static final int PACK_TRAILER = 32;
    private static final int INDEX_TRAILER = 40;
    private static final int INDEX_HEAD = 4096;

    private final Path vault;

    public Attacker(Path vault) {
        this.vault = vault;
    }

    /// A part of an object that no key hides, or a byte of what is sealed.
    ///
    /// @param name as the format calls it
    /// @param isFree whether nobody need look at it: padding
    public record Field(String name, int at, int length, boolean isFree) {
        Field(String name, int at, int length) {
            this(name, at, length, false);
        }
    }

    /// All objects, by name.
    public Map<String, byte[]> snapshot() {
        Map<String, byte[]> objects = new TreeMap<>();
        try (Stream<Path> files = Files.walk(vault)) {
            for (Path file : files.filter(Files::isRegularFile).toList()) {
                String name = vault.relativize(file).toString();
                // Whatever else a folder has is no object.
                if (name.matches("vault|[a-z]+/[0-9a-f]{32}")) {
                    objects.put(name, Files.readAllBytes(file));
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return objects;
    }

    /// Makes the vault what it was.
    public void rollBack(Map<String, byte[]> snapshot) {
        for (String name : snapshot().keySet()) {
            if (!snapshot.containsKey(name)) {
                remove(name);
            }
        }
        snapshot.forEach(this::put);
    }

    public byte[] read(String name) {
        try {
            return Files.readAllBytes(vault.resolve(name));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /// Puts an object there as it is, in the place of another if there is one.
    public void put(String name, byte[] object) {
        try {
            Files.write(vault.resolve(name), object);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    public void remove(String name) {
        try {
            Files.deleteIfExists(vault.resolve(name));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /// Changes an object, and mends its checksums.
    public void edit(String name, Consumer<byte[]> change) {
        byte[] object = read(name);
        change.accept(object);
        put(name, resealed(name, object));
    }

    /// An object with all its checksums right, whatever was done to it, as far as it still has the form of one.
    public static byte[] resealed(String name, byte[] object) {
        byte[] resealed = object.clone();
        if (resealed.length < HEADER) {
            return resealed;
        }
        sum(resealed, 0, HEADER - CRC, HEADER - CRC);
        if (name.startsWith("packs/")) {
            sumFrames(resealed, HEADER, resealed.length - PACK_TRAILER);
            sumEnd(resealed, PACK_TRAILER);
        } else if (name.startsWith("index/") && resealed.length >= INDEX_HEAD + INDEX_TRAILER) {
            int trailer = resealed.length - INDEX_TRAILER;
            int blocks = ByteBuffer.wrap(resealed).getInt(trailer + 12);
            long tables = INDEX_HEAD + 4096L * blocks;
            if (blocks >= 0 && tables < trailer) {
                sumFrames(resealed, (int) tables, trailer);
            }
            sum(resealed, 0, trailer, trailer + 16);
            sumEnd(resealed, INDEX_TRAILER);
        } else {
            sum(resealed, 0, resealed.length - CRC, resealed.length - CRC);
        }
        return resealed;
    }

    private static void sumEnd(byte[] object, int trailer) {
        int at = object.length - trailer;
        if (at >= HEADER) {
            sum(object, at, trailer - CRC, object.length - CRC);
        }
    }

    private static void sumFrames(byte[] object, int from, int end) {
        int at = from;
        while (end - at >= 32) {
            long length = 16 + Integer.toUnsignedLong(ByteBuffer.wrap(object).getInt(at));
            if (length > end - at) {
                return;
            }
            CRC32C crc = new CRC32C();
            crc.update(object, at, 12);
            crc.update(object, at + 16, (int) length - 16);
            ByteBuffer.wrap(object).putInt(at + 12, (int) crc.getValue());
            at += (int) length;
        }
    }

    private static void sum(byte[] object, int at, int length, int sumAt) {
        CRC32C crc = new CRC32C();
        crc.update(object, at, length);
        ByteBuffer.wrap(object).putInt(sumAt, (int) crc.getValue());
    }

    /// An object as if it had been made under another name of its area.
    public static byte[] renamed(String name, byte[] object) {
        byte[] renamed = object.clone();
        byte[] id = HexFormat.of().parseHex(name.substring(name.indexOf('/') + 1));
        System.arraycopy(id, 0, renamed, 12, id.length);
        return resealed(name, renamed);
    }

    /// Where an object can be changed: every field that is not encrypted, and a byte of each part that is.
    public static List<Field> fields(String name, byte[] object) {
        List<Field> fields = new ArrayList<>();
        fields.add(new Field("magic", 0, 8));
        fields.add(new Field("kind", 8, 1));
        fields.add(new Field("version", 9, 1));
        fields.add(new Field("reserved", 10, 2, true));
        fields.add(new Field("id", 12, 16));
        switch (name.substring(0, Math.max(0, name.indexOf('/')))) {
            case "" -> {
                fields.add(new Field("parameters", 32, 8));
                fields.add(new Field("createdAt", 40, 8));
                fields.add(new Field("mac", 48, 32));
            }
            case "keys" -> ofSlot(fields);
            case "packs" -> ofPack(fields, object);
            case "index" -> ofIndex(fields, object);
            case "points" -> {
                fields.add(new Field("length", 32, 4));
                fields.add(new Field("ciphertext", 36, 1));
                fields.add(new Field("tag", object.length - 20, 16));
            }
            default -> {
                fields.add(new Field("length", 32, 4));
                int end = object.length - 36;
                for (int at = 36; at < end; at += Math.max(1, (end - 36) / 3)) {
                    fields.add(new Field("json at " + at, at, 1));
                }
                fields.add(new Field("mac", end, 32));
            }
        }
        return fields;
    }

    private static void ofSlot(List<Field> fields) {
        fields.add(new Field("type", 32, 1));
        fields.add(new Field("labelLength", 33, 1));
        fields.add(new Field("reserved", 34, 2));
        fields.add(new Field("memory", 36, 4));
        fields.add(new Field("iterations", 40, 4));
        fields.add(new Field("parallelism", 44, 4));
        fields.add(new Field("createdAt", 48, 8));
        fields.add(new Field("salt", 56, 32));
        fields.add(new Field("label", 88, 64));
        fields.add(new Field("check", 152, 16));
        fields.add(new Field("wrapped", 168, 48));
        fields.add(new Field("mac", 216, 32));
    }

    private static void ofFrame(List<Field> fields, String what, int at) {
        fields.add(new Field(what + " stored", at, 4));
        fields.add(new Field(what + " plain", at + 4, 4));
        fields.add(new Field(what + " method", at + 8, 1));
        fields.add(new Field(what + " reserved", at + 9, 3));
        fields.add(new Field(what + " ciphertext", at + 16, 1));
    }

    private static void ofPack(List<Field> fields, byte[] object) {
        int trailer = object.length - PACK_TRAILER;
        ofFrame(fields, "first frame", HEADER);
        ofFrame(fields, "directory", ByteBuffer.wrap(object).getInt(trailer));
        fields.add(new Field("directoryOffset", trailer, 4));
        fields.add(new Field("directoryLength", trailer + 4, 4));
        fields.add(new Field("frames", trailer + 8, 4));
        fields.add(new Field("tag", trailer + 12, 16));
    }

    private static void ofIndex(List<Field> fields, byte[] object) {
        int trailer = object.length - INDEX_TRAILER;
        int blocks = ByteBuffer.wrap(object).getInt(trailer + 12);
        fields.add(new Field("padding", HEADER, INDEX_HEAD - HEADER, true));
        fields.add(new Field("block", INDEX_HEAD, 4096));
        ofFrame(fields, "tables", INDEX_HEAD + 4096 * blocks);
        fields.add(new Field("entries", trailer, 8));
        fields.add(new Field("packs", trailer + 8, 4));
        fields.add(new Field("blocks", trailer + 12, 4));
        fields.add(new Field("tag", trailer + 20, 16));
    }
}
