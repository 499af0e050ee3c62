package io.stillpoint.vault;

import static org.assertj.core.api.Assertions.assertThat;

import io.stillpoint.platform.Cancellation;
import io.stillpoint.vault.point.RecoveryPoint;
import io.stillpoint.vault.session.Scan;
import io.stillpoint.vault.store.ObjectName;
import io.stillpoint.vault.store.ObjectName.Area;
import io.stillpoint.vault.store.ObjectStore;
import io.stillpoint.vault.store.VaultException;
import io.stillpoint.vault.store.VaultException.Kind;
import io.stillpoint.vault.verify.ObjectCheck;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Every single flipped bit of a vault is found without the key.
final class EveryBitTest {
    @TempDir Path folder;

    /// One object, from memory, so that a flip costs no file.
    private record Flipped(ObjectStore store, ObjectName name, byte[] bytes)
            implements ObjectStore {
        @Override
        public String description() {
            return "flipped";
        }

        @Override
        public Upload create(ObjectName other) {
            return store.create(other);
        }

        @Override
        public StoredObject open(ObjectName other) {
            return new StoredObject() {
                @Override
                public ObjectName name() {
                    return other;
                }

                @Override
                public long size() {
                    return bytes.length;
                }

                @Override
                public Instant modifiedAt() {
                    return Instant.EPOCH;
                }

                @Override
                public void read(long offset, byte[] into, int at, int length) {
                    if (offset + length > bytes.length) {
                        throw new VaultException(Kind.DAMAGED, "vault.truncated", null, "", "", "");
                    }
                    System.arraycopy(bytes, Math.toIntExact(offset), into, at, length);
                }

                @Override
                public void close() {}
            };
        }

        @Override
        public boolean exists(ObjectName other) {
            return store.exists(other);
        }

        @Override
        public void list(Area area, Consumer<Listed> visitor) {
            store.list(area, visitor);
        }

        @Override
        public void delete(ObjectName other) {
            store.delete(other);
        }

        @Override
        public void close() {}
    }

    private static List<ObjectName> objects(ObjectStore store) {
        List<ObjectName> names = new ArrayList<>(List.of(ObjectName.vault()));
        for (Area area : Area.values()) {
            if (area != Area.VAULT) {
                store.list(area, listed -> names.add(listed.name()));
            }
        }
        return names;
    }

    private static boolean isFound(ObjectStore store, ObjectName name, byte[] bytes) {
        try {
            new ObjectCheck(new Flipped(store, name, bytes), new Cancellation()).check(name);
            return false;
        } catch (VaultException e) {
            assertThat(e.kind()).isIn(Kind.DAMAGED, Kind.TOO_NEW, Kind.NOT_A_VAULT);
            return true;
        }
    }

    @Test
    void everyFlippedBitOfASmallVaultIsFound() {
        byte[] disk = new byte[3 * TestVault.CHUNK];
        disk[5] = 1;
        disk[TestVault.CHUNK + 5] = 2;
        try (TestVault vault = TestVault.make(folder)) {
            RecoveryPoint point = vault.full(disk);
            vault.vault().forget(point, Duration.ofDays(1));
            ObjectStore store = vault.vault().parts().contents().store();
            long bits = 0;
            for (ObjectName name : objects(store)) {
                byte[] bytes = store.get(name);
                assertThat(isFound(store, name, bytes)).as("sound %s", name).isFalse();
                for (int bit = 0; bit < bytes.length * 8; bit++) {
                    bytes[bit / 8] ^= (byte) (1 << bit % 8);
                    assertThat(isFound(store, name, bytes)).as("%s, bit %d", name, bit).isTrue();
                    bytes[bit / 8] ^= (byte) (1 << bit % 8);
                    bits++;
                }
            }
            assertThat(bits).isGreaterThan(50_000);
        }
    }

    @Test
    void sampledFlippedBitsOfALargerVaultAreFoundWithAndWithoutTheKey() throws IOException {
        byte[] disk = TestVault.random(200 * TestVault.CHUNK, 1);
        try (TestVault vault = TestVault.make(folder)) {
            RecoveryPoint base = vault.full(disk);
            disk[1000]++;
            vault.backup(disk, new Scan.Everything(Optional.of(base.disks().getFirst().image())));
            ObjectStore store = vault.vault().parts().contents().store();
            Random random = new Random(7);
            for (ObjectName name : objects(store)) {
                byte[] bytes = store.get(name);
                for (int i = 0; i < 60; i++) {
                    int bit = random.nextInt(bytes.length * 8);
                    bytes[bit / 8] ^= (byte) (1 << bit % 8);
                    assertThat(isFound(store, name, bytes)).as("%s, bit %d", name, bit).isTrue();
                    bytes[bit / 8] ^= (byte) (1 << bit % 8);
                }
            }
            for (int i = 0; i < 8; i++) {
                List<ObjectName> packs = new ArrayList<>();
                store.list(Area.PACKS, listed -> packs.add(listed.name()));
                Path file =
                        folder.resolve("vault")
                                .resolve(packs.get(random.nextInt(packs.size())).toString());
                byte[] sound = Files.readAllBytes(file);
                byte[] flipped = sound.clone();
                int bit = random.nextInt(sound.length * 8);
                flipped[bit / 8] ^= (byte) (1 << bit % 8);
                Files.write(file, flipped);
                vault.reopen();
                assertThat(vault.verify().problems()).as("%s, bit %d", file, bit).isNotEmpty();
                Files.write(file, sound);
            }
        }
    }
}
