package io.stillpoint.integration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stillpoint.stores.request.Budget;
import io.stillpoint.stores.request.Meter;
import io.stillpoint.stores.request.Prices;
import io.stillpoint.stores.s3.S3Access;
import io.stillpoint.stores.s3.S3Address;
import io.stillpoint.stores.s3.S3Settings;
import io.stillpoint.stores.s3.S3Settings.Checksums;
import io.stillpoint.stores.s3.S3Settings.Exclusion;
import io.stillpoint.stores.s3.S3Settings.LockMode;
import io.stillpoint.stores.s3.S3Store;
import io.stillpoint.testkit.Bytes;
import io.stillpoint.testkit.S3Server;
import io.stillpoint.vault.store.ObjectId;
import io.stillpoint.vault.store.ObjectName;
import io.stillpoint.vault.store.ObjectName.Area;
import io.stillpoint.vault.store.ObjectStore;
import io.stillpoint.vault.store.ObjectStore.StoredObject;
import io.stillpoint.vault.store.ObjectStore.Upload;
import io.stillpoint.vault.store.VaultException;
import io.stillpoint.vault.store.VaultException.Kind;
import java.net.URI;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import software.amazon.awssdk.services.s3.S3Client;

/// What is S3's own, on real servers: parts, locks, versions, probes, what goes wrong with access.
@Tag("stores")
@Tag("slow")
final class S3StoreTest {
    private static final ObjectName NAME = new ObjectName(Area.PACKS, new ObjectId(1, 1));
    private static final int MEBIBYTE = 1 << 20;
    private static final S3Settings LOCKED = S3Server.SETTINGS.with(Exclusion.CHECK_FIRST);

    private final S3Server server = S3Server.rados();
    private final Meter meter = Meter.unlimited(Prices.S3_STANDARD_US_EAST_1);

    private static void put(ObjectStore store, ObjectName name, byte[] content) {
        try (Upload upload = store.create(name)) {
            upload.write(content, 0, content.length);
            upload.commit();
        }
    }

    private static byte[] content(ObjectStore store, ObjectName name) {
        try (StoredObject object = store.open(name)) {
            byte[] content = new byte[Math.toIntExact(object.size())];
            object.read(0, content, 0, content.length);
            return content;
        }
    }

    private static VaultException thrownBy(Runnable call) {
        VaultException[] thrown = new VaultException[1];
        assertThatThrownBy(call::run)
                .isInstanceOfSatisfying(VaultException.class, e -> thrown[0] = e);
        return thrown[0];
    }

    private static void requireKind(Kind kind, Runnable call) {
        VaultException thrown = thrownBy(call);
        assertThat(thrown.kind()).as(thrown.getMessage()).isEqualTo(kind);
    }

    private static int unfinished(S3Server server, String bucket) {
        try (S3Client client = server.client()) {
            return client.listMultipartUploads(list -> list.bucket(bucket)).uploads().size();
        }
    }

    private void largeObjects(S3Server server, S3Settings settings) {
        String bucket = server.newBucket();
        byte[] content = Bytes.RANDOM.of(13 * MEBIBYTE + 77, 1);
        try (S3Store store = server.store(bucket, settings.withPartSize(5 * MEBIBYTE), meter)) {
            try (Upload upload = store.create(NAME)) {
                upload.write(content, 0, content.length);
                assertThat(store.exists(NAME)).isFalse();
                upload.commit();
            }
            assertThat(content(store, NAME)).isEqualTo(content);
            requireKind(Kind.EXISTS, () -> put(store, NAME, new byte[11 * MEBIBYTE]));
            try (Upload dropped = store.create(new ObjectName(Area.PACKS, new ObjectId(2, 2)))) {
                dropped.write(content, 0, content.length);
            }
        }
        assertThat(unfinished(server, bucket)).isZero();
    }

    @Test
    void aLargeObjectGoesInPartsAndNothingIsLeftOfOneThatWasGivenUp() {
        largeObjects(server, S3Server.SETTINGS);
        largeObjects(S3Server.proxy(), S3Server.SETTINGS);
    }

    @Test
    void servedWithContentMd5AsWell() {
        largeObjects(server, S3Server.SETTINGS.with(Checksums.MD5));
    }

    @Test
    void aServerThatHonoursConditionsIsFit() {
        for (S3Server each : List.of(server, S3Server.proxy())) {
            String bucket = each.newBucket();
            try (S3Store store = each.store(bucket)) {
                store.probe();
            }
            try (S3Client client = each.client()) {
                assertThat(client.listObjectsV2(list -> list.bucket(bucket)).contents()).isEmpty();
            }
        }
    }

    @Test
    void aServerThatSilentlyReplacesObjectsIsFoundOut() {
        // Ceph 16 does so in buckets that keep versions.
        String bucket = server.newLockedBucket();
        try (S3Store store = server.store(bucket)) {
            VaultException thrown = thrownBy(store::probe);
            assertThat(thrown.code()).isEqualTo("stores.replaces");
            assertThat(thrown).hasMessageContaining("exclusive=check-first");
        }
        try (S3Client client = server.client()) {
            assertThat(client.listObjectVersions(list -> list.bucket(bucket)).versions()).isEmpty();
        }
    }

    @Test
    void whatIsRetainedIsNotDeletedBeforeItsTimeByAnybody() throws InterruptedException {
        String bucket = server.newLockedBucket();
        Instant until = InstantSource.system().instant().plusSeconds(4);
        try (S3Store store = server.store(bucket, LOCKED, meter)) {
            put(store, NAME, new byte[100]);
            store.retain(NAME, until);
            Instant ended = null;
            while (ended == null) {
                try {
                    store.delete(NAME);
                    ended = InstantSource.system().instant();
                } catch (VaultException e) {
                    assertThat(e.kind()).as(e.getMessage()).isEqualTo(Kind.RETAINED);
                    assertThat(store.exists(NAME)).isTrue();
                    assertThat(content(store, NAME)).hasSize(100);
                    Thread.sleep(Duration.ofMillis(200));
                }
            }
            assertThat(ended).isAfterOrEqualTo(until);
            assertThat(store.exists(NAME)).isFalse();
        }
        try (S3Client client = server.client()) {
            assertThat(client.listObjectVersions(list -> list.bucket(bucket)).versions()).isEmpty();
        }
    }

    private Instant lock(String bucket) {
        try (S3Client client = server.client()) {
            return client.getObjectRetention(get -> get.bucket(bucket).key("vaults/mine/" + NAME))
                    .retention()
                    .retainUntilDate();
        }
    }

    @Test
    void aRetentionIsExtendedAndNeverShortened() {
        // Governance, so that what the test leaves could be removed.
        String bucket = server.newLockedBucket();
        Instant day = Instant.parse("2040-01-01T00:00:00.000000001Z");
        try (S3Store store = server.store(bucket, LOCKED.with(LockMode.GOVERNANCE), meter)) {
            put(store, NAME, new byte[100]);
            store.retain(NAME, day);
            assertThat(lock(bucket)).isEqualTo("2040-01-01T00:00:01Z");
            store.retain(NAME, day.minus(Duration.ofDays(1)));
            assertThat(lock(bucket)).isEqualTo("2040-01-01T00:00:01Z");
            store.retain(NAME, day.plus(Duration.ofDays(1)));
            assertThat(lock(bucket)).isEqualTo("2040-01-02T00:00:01Z");
            requireKind(Kind.RETAINED, () -> store.delete(NAME));
            requireKind(
                    Kind.MISSING,
                    () -> store.retain(new ObjectName(Area.PACKS, new ObjectId(3, 3)), day));
        }
    }

    @Test
    void aStoreWithoutLocksSaysSo() {
        Instant day = Instant.parse("2040-01-01T00:00:00Z");
        for (S3Server each : List.of(server, S3Server.proxy())) {
            try (S3Store store = each.store(each.newBucket())) {
                put(store, NAME, new byte[100]);
                requireKind(Kind.UNSUPPORTED, () -> store.retain(NAME, day));
                store.delete(NAME);
            }
        }
    }

    @Test
    void anObjectBehindAForeignDeleteMarkerIsReportedAsHiddenAndCanBeDeletedForGood() {
        String bucket = server.newLockedBucket();
        try (S3Client client = server.client();
                S3Store store = server.store(bucket, LOCKED, meter)) {
            put(store, NAME, new byte[100]);
            client.deleteObject(gone -> gone.bucket(bucket).key("vaults/mine/" + NAME));
            assertThat(store.exists(NAME)).isFalse();
            VaultException thrown = thrownBy(() -> content(store, NAME));
            assertThat(thrown.kind()).isEqualTo(Kind.MISSING);
            assertThat(thrown.code()).isEqualTo("stores.hidden");
            store.delete(NAME);
            var left = client.listObjectVersions(list -> list.bucket(bucket));
            assertThat(left.versions()).isEmpty();
            assertThat(left.deleteMarkers()).isEmpty();
        }
    }

    @Test
    void listingGoesOnBehindTheFirstThousand() {
        String bucket = server.newBucket();
        List<ObjectName> names = new ArrayList<>();
        try (S3Client client = server.client();
                S3Store store = server.store(bucket)) {
            for (int i = 0; i < 1005; i++) {
                put(store, new ObjectName(Area.POINTS, new ObjectId(7, i)), new byte[1]);
            }
            client.putObject(
                    put -> put.bucket(bucket).key("vaults/mine/points/not-ours"),
                    software.amazon.awssdk.core.sync.RequestBody.fromString("x"));
            store.list(Area.POINTS, listed -> names.add(listed.name()));
        }
        assertThat(names).hasSize(1005).doesNotHaveDuplicates();
    }

    @Test
    void requestsAreCountedAndABudgetEndsThem() {
        String bucket = server.newBucket();
        try (S3Store store = server.store(bucket, S3Server.SETTINGS, meter)) {
            put(store, NAME, new byte[1000]);
            assertThat(content(store, NAME)).hasSize(1000);
            store.delete(NAME);
        }
        // A look for unfinished uploads and the object; its content in one request; is the bucket
        // versioned?
        assertThat(meter.usage().line(meter.prices()))
                .isEqualTo("2 puts, 2 gets, 1 deletes, 0.98 KiB up, 0.98 KiB down: 0.0000109 USD");
        Meter small = new Meter(Prices.NONE, Budget.ofRequests(3));
        try (S3Store store = server.store(bucket, S3Server.SETTINGS, small)) {
            put(store, NAME, new byte[1000]);
            assertThat(store.exists(NAME)).isTrue();
            requireKind(Kind.BUDGET, () -> store.exists(NAME));
            assertThat(small.usage().requests()).isEqualTo(3);
        }
    }

    private VaultException refusal(S3Address address, S3Access.Keys keys) {
        S3Server other = new S3Server(server.endpoint(), server.named(), keys);
        try (S3Store store = other.store(address, S3Server.SETTINGS, meter)) {
            return thrownBy(() -> store.exists(ObjectName.vault()));
        }
    }

    @Test
    void whatIsWrongWithTheAccessIsSaidInWords() {
        String bucket = server.newBucket();
        S3Address good = new S3Address(bucket, "", server.endpoint(), null, true);
        VaultException noBucket =
                refusal(
                        new S3Address("no-such-bucket", "", server.endpoint(), null, true),
                        server.keys());
        assertThat(noBucket.code()).isEqualTo("stores.no-bucket");
        assertThat(noBucket.kind()).isEqualTo(Kind.DENIED);
        assertThat(noBucket.retryable()).isFalse();
        assertThat(refusal(good, new S3Access.Keys("test", "wrong")).kind()).isEqualTo(Kind.DENIED);
        assertThat(refusal(good, new S3Access.Keys("nobody", "wrong")).kind())
                .isEqualTo(Kind.DENIED);
        VaultException noServer =
                refusal(
                        new S3Address(bucket, "", URI.create("http://127.0.0.1:1"), null, true),
                        server.keys());
        assertThat(noServer.code()).isEqualTo("stores.gave-up");
        VaultException noHost =
                refusal(
                        new S3Address(bucket, "", URI.create("http://no.invalid"), null, true),
                        server.keys());
        assertThat(noHost.code()).isEqualTo("stores.unknown-host");
        assertThat(noHost).hasMessageContaining("no.invalid");
    }
}
