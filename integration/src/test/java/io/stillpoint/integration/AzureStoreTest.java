package io.stillpoint.integration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stillpoint.stores.azure.AzureAccess;
import io.stillpoint.stores.azure.AzureStore;
import io.stillpoint.stores.request.Meter;
import io.stillpoint.stores.request.Prices;
import io.stillpoint.testkit.AzureServer;
import io.stillpoint.testkit.Bytes;
import io.stillpoint.testkit.ObjectStoreContract;
import io.stillpoint.vault.store.ObjectId;
import io.stillpoint.vault.store.ObjectName;
import io.stillpoint.vault.store.ObjectName.Area;
import io.stillpoint.vault.store.ObjectStore;
import io.stillpoint.vault.store.ObjectStore.StoredObject;
import io.stillpoint.vault.store.ObjectStore.Upload;
import io.stillpoint.vault.store.VaultException;
import io.stillpoint.vault.store.VaultException.Kind;
import java.time.Instant;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/// A container as a store, on the emulator; and what is its own: blocks, access, what the emulator can't do.
@Tag("stores")
@Tag("slow")
final class AzureStoreTest extends ObjectStoreContract {
    private static final ObjectName NAME = new ObjectName(Area.PACKS, new ObjectId(1, 1));

    private final AzureServer server = AzureServer.azurite();
    private final String container = server.newContainer();

    @Override
    protected ObjectStore open() {
        return server.store(container);
    }

    private static void requireKind(Kind kind, Runnable call) {
        assertThatThrownBy(call::run)
                .isInstanceOfSatisfying(
                        VaultException.class,
                        e -> assertThat(e.kind()).as(e.getMessage()).isEqualTo(kind));
    }

    private static void put(ObjectStore store, byte[] content) {
        try (Upload upload = store.create(NAME)) {
            upload.write(content, 0, content.length);
            upload.commit();
        }
    }

    @Test
    void aLargeObjectGoesInBlocks() {
        byte[] content = Bytes.RANDOM.of((5 << 20) + 77, 1);
        Meter meter = Meter.unlimited(Prices.NONE);
        try (AzureStore store =
                server.store(
                        container,
                        new AzureAccess.Key(AzureServer.KEY),
                        AzureServer.SETTINGS.withBlockSize(1 << 20),
                        meter)) {
            put(store, content);
            assertThat(meter.usage().puts()).isEqualTo(7);
            byte[] read = new byte[content.length];
            try (StoredObject object = store.open(NAME)) {
                object.read(0, read, 0, read.length);
            }
            assertThat(read).isEqualTo(content);
            requireKind(Kind.EXISTS, () -> put(store, content));
        }
    }

    @Test
    void anAccountWithoutRetentionSaysSo() {
        try (ObjectStore store = open()) {
            put(store, new byte[10]);
            requireKind(
                    Kind.UNSUPPORTED,
                    () -> store.retain(NAME, Instant.parse("2040-01-01T00:00:00Z")));
        }
    }

    @Test
    void whatIsWrongWithTheAccessIsSaidInWords() {
        try (AzureStore store = server.store("no-such-container")) {
            requireKind(Kind.DENIED, () -> store.exists(NAME));
        }
        AzureAccess wrong = new AzureAccess.Key("d3Jvbmc=");
        Meter meter = Meter.unlimited(Prices.NONE);
        try (AzureStore store = server.store(container, wrong, AzureServer.SETTINGS, meter)) {
            requireKind(Kind.DENIED, () -> store.exists(NAME));
        }
        requireKind(
                Kind.DENIED,
                () -> server.store(container, new AzureAccess.None(), AzureServer.SETTINGS, meter));
    }
}
