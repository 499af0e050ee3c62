package io.stillpoint.integration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stillpoint.integration.ScriptedS3.Fault;
import io.stillpoint.platform.Randomness;
import io.stillpoint.platform.Threads;
import io.stillpoint.stores.request.Meter;
import io.stillpoint.stores.request.Prices;
import io.stillpoint.stores.request.RetryPolicy;
import io.stillpoint.stores.s3.S3Access;
import io.stillpoint.stores.s3.S3Settings;
import io.stillpoint.stores.s3.S3Store;
import io.stillpoint.testkit.Bytes;
import io.stillpoint.vault.store.ObjectId;
import io.stillpoint.vault.store.ObjectName;
import io.stillpoint.vault.store.ObjectName.Area;
import io.stillpoint.vault.store.ObjectStore.StoredObject;
import io.stillpoint.vault.store.ObjectStore.Upload;
import io.stillpoint.vault.store.VaultException;
import io.stillpoint.vault.store.VaultException.Kind;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Collections;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/// A server that fails for a while, or for good.
@Tag("stores")
final class FailingS3Test {
    private static final ObjectName NAME = new ObjectName(Area.PACKS, new ObjectId(1, 1));
    private static final int ATTEMPTS = 4;
    private static final byte[] CONTENT = Bytes.RANDOM.of(300_000, 1);

    private final ScriptedS3 server = new ScriptedS3();
    private final Meter meter = Meter.unlimited(Prices.NONE);
    private final S3Store store =
            new S3Store(
                    server.address(),
                    new S3Access.Keys("any", "any"),
                    S3Settings.DEFAULT.with(
                            new RetryPolicy(ATTEMPTS, Duration.ofMillis(5), Duration.ofSeconds(5))),
                    new S3Store.Surroundings(
                            Randomness.secure(),
                            InstantSource.system(),
                            meter,
                            Threads.ofProcess()));

    @AfterEach
    void stop() {
        store.close();
        server.close();
    }

    private void put() {
        try (Upload upload = store.create(NAME)) {
            upload.write(CONTENT, 0, CONTENT.length);
            upload.commit();
        }
    }

    private byte[] content() {
        try (StoredObject object = store.open(NAME)) {
            byte[] content = new byte[Math.toIntExact(object.size())];
            object.read(0, content, 0, content.length);
            return content;
        }
    }

    @Test
    void abandonedUploadsAreDroppedFromEveryPageAndEveryDay() {
        Instant now = Instant.parse("2026-11-27T00:00:00Z");
        Instant[] clock = {now};
        for (int i = 0; i < 7; i++) {
            server.leaveUnfinished("old" + i, now.minus(Duration.ofDays(3)));
        }
        server.leaveUnfinished("under-way", now.minus(Duration.ofDays(1)));
        try (S3Store patient =
                new S3Store(
                        server.address(),
                        new S3Access.Keys("any", "any"),
                        S3Settings.DEFAULT,
                        new S3Store.Surroundings(
                                Randomness.secure(), () -> clock[0], meter, Threads.ofProcess()))) {
            patient.create(NAME).close();
            assertThat(server.unfinished()).containsExactly("under-way");
            server.leaveUnfinished("later", now.minus(Duration.ofDays(3)));
            patient.create(NAME).close();
            assertThat(server.unfinished()).containsExactlyInAnyOrder("later", "under-way");
            clock[0] = now.plus(Duration.ofDays(1)).plusSeconds(1);
            patient.create(NAME).close();
            assertThat(server.unfinished()).isEmpty();
        }
    }

    @ParameterizedTest
    @EnumSource(
            names = {
                "SLOW_DOWN",
                "INTERNAL_ERROR",
                "RESET_BEFORE_ANSWER",
                "RESET_WITHIN_REQUEST",
                "RESET_AFTER_EFFECT"
            })
    void aWriteThatFailsForAWhileIsDoneOnce(Fault fault) {
        server.fail(fault, fault);
        put();
        assertThat(content()).isEqualTo(CONTENT);
    }

    @ParameterizedTest
    @EnumSource(
            names = {
                "SLOW_DOWN",
                "INTERNAL_ERROR",
                "RESET_BEFORE_ANSWER",
                "RESET_WITHIN_ANSWER",
                "TRUNCATED",
                "SHORT"
            })
    void aReadThatFailsForAWhileGivesTheRightBytes(Fault fault) {
        put();
        server.fail(fault, fault);
        try (StoredObject object = store.open(NAME)) {
            server.fail(fault, fault);
            byte[] content = new byte[CONTENT.length];
            object.read(0, content, 0, content.length);
            assertThat(content).isEqualTo(CONTENT);
        }
    }

    @Test
    void aNameThatIsTakenIsTakenEvenAfterLostAnswers() {
        put();
        server.fail(Fault.RESET_BEFORE_ANSWER);
        assertThatThrownBy(this::put)
                .isInstanceOfSatisfying(
                        VaultException.class, e -> assertThat(e.kind()).isEqualTo(Kind.EXISTS));
    }

    @Test
    void theServersWishToWaitIsHonoured() {
        server.fail(Fault.SLOW_DOWN);
        put();
        assertThat(server.requests()).containsExactly("PUT", "PUT");
        assertThat(Duration.ofNanos(server.gap(0))).isGreaterThanOrEqualTo(Duration.ofSeconds(1));
    }

    @ParameterizedTest
    @EnumSource(names = {"INTERNAL_ERROR", "RESET_BEFORE_ANSWER"})
    void inTheEndItGivesUpAndSaysWhatItTried(Fault fault) {
        server.fail(Collections.nCopies(ATTEMPTS, fault).toArray(Fault[]::new));
        assertThatThrownBy(this::put)
                .isInstanceOfSatisfying(
                        VaultException.class,
                        e -> {
                            assertThat(e.kind()).isEqualTo(Kind.STORE);
                            assertThat(e.code()).isEqualTo("stores.gave-up");
                            assertThat(e.retryable()).isTrue();
                        })
                .hasMessageContaining("packs/" + NAME.id())
                .hasMessageContaining(ATTEMPTS + " times");
        assertThat(server.requests()).hasSize(ATTEMPTS);
        // Each was sent, so each is counted; one more looked for unfinished uploads.
        assertThat(meter.usage().puts()).isEqualTo(ATTEMPTS + 1);
    }

    @Test
    void aServerWithoutConditionsIsNotWrittenTo() {
        server.fail(Fault.NO_CONDITIONS);
        assertThatThrownBy(this::put)
                .isInstanceOfSatisfying(
                        VaultException.class,
                        e -> {
                            assertThat(e.kind()).isEqualTo(Kind.UNSUPPORTED);
                            assertThat(e.code()).isEqualTo("stores.no-condition");
                        });
    }
}
