package io.stillpoint.integration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stillpoint.platform.Cancellation;
import io.stillpoint.platform.ProcessResources;
import io.stillpoint.platform.Randomness;
import io.stillpoint.stores.CountedStore;
import io.stillpoint.stores.request.Budget;
import io.stillpoint.stores.request.Meter;
import io.stillpoint.stores.request.Prices;
import io.stillpoint.stores.request.RequestClass;
import io.stillpoint.testkit.MemoryDisk;
import io.stillpoint.vault.Vault;
import io.stillpoint.vault.crypto.KeyFile;
import io.stillpoint.vault.pack.FrameCodec;
import io.stillpoint.vault.session.BackupSession;
import io.stillpoint.vault.session.DiskInput;
import io.stillpoint.vault.session.Scan;
import io.stillpoint.vault.session.StoredDisk;
import io.stillpoint.vault.session.VaultSettings;
import io.stillpoint.vault.store.LocalStore;
import io.stillpoint.vault.store.SharedAnswer;
import io.stillpoint.vault.store.VaultException;
import io.stillpoint.vault.store.VaultException.Kind;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// What one job may ask of a store ends that job, and no other that shares the vault.
@Timeout(60)
class JobBudgetTest {
    private static final int MIB = 1 << 20;

    private final Meter meter = Meter.unlimited(Prices.NONE);

    @Test
    void aBudgetEndsTheJobThatUsedItUpAndNoOther(@TempDir Path folder) throws Exception {
        KeyFile key = KeyFile.create(folder.resolve("key"), Randomness.secure());
        Vault.Surroundings surroundings =
                new Vault.Surroundings(
                        Randomness.secure(),
                        InstantSource.system(),
                        ProcessResources.ofThisProcess(),
                        new VaultSettings(
                                FrameCodec.PLAIN_MAX,
                                true,
                                8 * MIB,
                                8 * MIB,
                                Duration.ofHours(24)));
        CountedStore store = new CountedStore(new LocalStore(folder.resolve("vault")), meter);
        Meter poor = meter.ofJob(Budget.ofBytes(MIB));
        Meter rich = meter.ofJob(Budget.UNLIMITED);
        try (Vault vault = Vault.init(store, key, surroundings);
                ExecutorService jobs = Executors.newFixedThreadPool(2)) {
            CountDownLatch begun = new CountDownLatch(2);
            Future<StoredDisk> ended = jobs.submit(() -> stored(vault, poor, 1, begun));
            Future<StoredDisk> stored = jobs.submit(() -> stored(vault, rich, 2, begun));
            assertThatThrownBy(ended::get)
                    .cause()
                    .isInstanceOfSatisfying(
                            VaultException.class, e -> assertThat(e.kind()).isEqualTo(Kind.BUDGET));
            assertThat(stored.get().newBytes()).isGreaterThan(40 * MIB);
            assertThat(vault.verify(new Cancellation(), _ -> {}).problems()).isEmpty();
        }
        // It is asked before a pack is sent, and not again within it.
        assertThat(poor.usage().bytesUp()).isBetween((long) MIB, 17L * MIB);
        assertThat(rich.usage().bytesUp()).isGreaterThan(40 * MIB);
        assertThat(meter.usage().bytesUp())
                .isGreaterThanOrEqualTo(poor.usage().bytesUp() + rich.usage().bytesUp());
    }

    /// Stores 48 MiB that nobody has, once both have begun.
    private static StoredDisk stored(Vault vault, Meter job, long seed, CountDownLatch begun)
            throws InterruptedException {
        byte[] content = new byte[48 * MIB];
        new Random(seed).nextBytes(content);
        Scan scan = new Scan.Everything(Optional.empty());
        try (Cancellation.Scope _ = job.begin();
                BackupSession session =
                        vault.backup(Optional.empty(), new Cancellation(), (_, _) -> {})) {
            begun.countDown();
            begun.await();
            return session.store(List.of(new DiskInput("disk", new MemoryDisk(content), scan)))
                    .getFirst();
        }
    }

    @Test
    void whoWaitsForAnAnswerAsksItselfWhenTheAskerMaySpendNoMore() {
        SharedAnswer<String> answer = new SharedAnswer<>();
        Meter job = meter.ofJob(Budget.ofRequests(0));
        try (Cancellation.Scope _ = job.begin()) {
            assertThatExceptionOfType(VaultException.class)
                    .isThrownBy(() -> answer.ask(this::asked, _ -> {}))
                    .matches(e -> e.kind() == Kind.BUDGET);
        }
        assertThat(answer.await()).isEmpty();
        assertThat(asked()).isEqualTo("answer");
        assertThat(job.usage().requests()).isZero();
        assertThat(meter.usage().requests()).isEqualTo(1);
    }

    private String asked() {
        meter.request(RequestClass.GET, 0);
        return "answer";
    }
}
