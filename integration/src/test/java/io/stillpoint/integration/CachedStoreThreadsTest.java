package io.stillpoint.integration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stillpoint.platform.CancelledException;
import io.stillpoint.stores.CachedStore;
import io.stillpoint.testkit.Bytes;
import io.stillpoint.vault.store.LocalStore;
import io.stillpoint.vault.store.ObjectId;
import io.stillpoint.vault.store.ObjectName;
import io.stillpoint.vault.store.ObjectName.Area;
import io.stillpoint.vault.store.ObjectStore;
import io.stillpoint.vault.store.ObjectStore.StoredObject;
import io.stillpoint.vault.store.VaultException;
import io.stillpoint.vault.store.VaultException.Kind;
import java.io.IOException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// Several threads at one cached store whose answers take their time: who waits, and who does not.
@Timeout(60)
final class CachedStoreThreadsTest {
    private static final ObjectName SLOW = new ObjectName(Area.POINTS, new ObjectId(7, 1));
    private static final ObjectName OTHER = new ObjectName(Area.POINTS, new ObjectId(7, 2));
    private static final ObjectName NEW = new ObjectName(Area.POINTS, new ObjectId(7, 3));
    private static final byte[] CONTENT = Bytes.RANDOM.of(10_000, 1);

    @TempDir Path folder;
    private final AtomicInteger opens = new AtomicInteger();
    private final CountDownLatch asked = new CountDownLatch(1);
    private final CountDownLatch answer = new CountDownLatch(1);
    private final AtomicBoolean isSlow = new AtomicBoolean(true);
    private final AtomicBoolean isFailing = new AtomicBoolean();
    private final ExecutorService threads = Executors.newCachedThreadPool();

    @BeforeEach
    void store() {
        try (ObjectStore store = new LocalStore(folder.resolve("vault"))) {
            store.put(SLOW, CONTENT);
            store.put(OTHER, CONTENT);
        }
    }

    @AfterEach
    void end() {
        answer.countDown();
        threads.close();
    }

    /// A fake remote store: a folder whose answer for one object comes when the test says so.
    private ObjectStore remote() {
        ObjectStore real = new LocalStore(folder.resolve("vault"));
        return (ObjectStore)
                Proxy.newProxyInstance(
                        getClass().getClassLoader(),
                        new Class<?>[] {ObjectStore.class},
                        (_, method, arguments) -> {
                            if (method.getName().equals("open") && arguments[0].equals(SLOW)) {
                                beforeAnswer();
                            }
                            try {
                                return method.invoke(real, arguments);
                            } catch (InvocationTargetException e) {
                                throw e.getCause();
                            }
                        });
    }

    private void beforeAnswer() throws InterruptedException {
        int open = opens.incrementAndGet();
        if (isSlow.get()) {
            asked.countDown();
            answer.await();
        }
        if (open == 1 && isFailing.get()) {
            throw new VaultException(Kind.STORE, "vault.missing", null, "the store had a fault");
        }
    }

    private CachedStore cached() {
        return CachedStore.of(
                remote(),
                folder.resolve("cache"),
                new ObjectId(1, 1),
                1 << 20,
                InstantSource.system());
    }

    private Path copy(ObjectName name) {
        return folder.resolve("cache")
                .resolve(new ObjectId(1, 1).toString())
                .resolve("points-" + name.id());
    }

    /// Runs it in a thread of its own and returns once that one waits.
    private <T> Future<T> waiting(Callable<T> work) {
        AtomicReference<Thread> thread = new AtomicReference<>();
        Future<T> result =
                threads.submit(() -> {
                    thread.set(Thread.currentThread());
                    return work.call();
                });
        while (thread.get() == null || thread.get().getState() != Thread.State.WAITING) {
            assertThat(result.isDone()).isFalse();
            Thread.onSpinWait();
        }
        return result;
    }

    @Test
    void aSlowAnswerDelaysNobodyElse() throws Exception {
        try (CachedStore store = cached()) {
            Future<byte[]> slow = threads.submit(() -> store.get(SLOW));
            asked.await();
            assertThat(store.get(OTHER)).isEqualTo(CONTENT);
            assertThat(store.get(OTHER)).isEqualTo(CONTENT);
            store.put(NEW, CONTENT);
            assertThat(store.exists(SLOW)).isTrue();
            List<ObjectName> names = new ArrayList<>();
            store.list(Area.POINTS, listed -> names.add(listed.name()));
            assertThat(names).containsExactlyInAnyOrder(SLOW, OTHER, NEW);
            store.delete(NEW);
            assertThat(slow.isDone()).isFalse();
            answer.countDown();
            assertThat(slow.get()).isEqualTo(CONTENT);
        }
    }

    @Test
    void whoWantTheSameObjectShareOneGet() throws Exception {
        try (CachedStore store = cached()) {
            Future<byte[]> first = threads.submit(() -> store.get(SLOW));
            asked.await();
            Future<byte[]> second = waiting(() -> store.get(SLOW));
            Future<byte[]> third = waiting(() -> store.get(SLOW));
            answer.countDown();
            assertThat(first.get()).isEqualTo(CONTENT);
            assertThat(second.get()).isEqualTo(CONTENT);
            assertThat(third.get()).isEqualTo(CONTENT);
            assertThat(opens).hasValue(1);
        }
    }

    @Test
    void whatFailsForOneIsTriedByWhoWaitedForIt() throws Exception {
        isFailing.set(true);
        try (CachedStore store = cached()) {
            Future<byte[]> first = threads.submit(() -> store.get(SLOW));
            asked.await();
            Future<byte[]> second = waiting(() -> store.get(SLOW));
            answer.countDown();
            assertThatThrownBy(first::get)
                    .isInstanceOf(ExecutionException.class)
                    .hasCauseInstanceOf(VaultException.class);
            assertThat(second.get()).isEqualTo(CONTENT);
            assertThat(opens).hasValue(2);
        }
    }

    @Test
    void readersOfADamagedCopyOpenTheObjectOnce() throws Exception {
        isSlow.set(false);
        try (CachedStore store = cached()) {
            store.get(SLOW);
            byte[] file = Files.readAllBytes(copy(SLOW));
            file[0]++;
            file[5000]++;
            Files.write(copy(SLOW), file);
            int before = opens.get();
            isSlow.set(true);
            StoredObject object = store.open(SLOW);
            Future<byte[]> first = threads.submit(() -> read(object, 0));
            asked.await();
            Future<byte[]> second = waiting(() -> read(object, 5000));
            // What the copy has is read meanwhile.
            assertThat(read(object, 9000)).containsExactly(CONTENT[9000]);
            answer.countDown();
            assertThat(first.get()).containsExactly(CONTENT[0]);
            assertThat(second.get()).containsExactly(CONTENT[5000]);
            assertThat(opens.get() - before).isEqualTo(1);
            object.close();
        }
    }

    private static byte[] read(StoredObject object, int at) {
        byte[] one = new byte[1];
        object.read(at, one, 0, 1);
        return one;
    }

    @Test
    void aHandleIsClosedWhileTheStoreAnswers() throws Exception {
        isSlow.set(false);
        try (CachedStore store = cached()) {
            store.get(SLOW);
            isSlow.set(true);
            StoredObject object = store.open(SLOW);
            Future<?> asking = threads.submit(object::modifiedAt);
            asked.await();
            object.close();
            answer.countDown();
            asking.get();
        }
    }

    @Test
    void anInterruptedReaderCostsTheOthersNothing() throws Exception {
        isSlow.set(false);
        try (CachedStore store = cached();
                StoredObject object = warm(store)) {
            int before = opens.get();
            Thread reader =
                    Thread.ofPlatform()
                            .start(() -> {
                                Thread.currentThread().interrupt();
                                try {
                                    read(object, 0);
                                } catch (CancelledException e) {
                                    // As the folder tells it.
                                }
                            });
            assertThat(reader.join(Duration.ofSeconds(30))).isTrue();
            int after = opens.get();
            assertThat(after - before).isLessThanOrEqualTo(1);
            assertThat(read(object, 1)).containsExactly(CONTENT[1]);
            assertThat(store.get(SLOW)).isEqualTo(CONTENT);
            assertThat(opens).hasValue(after);
            assertThat(copy(SLOW)).exists();
        }
    }

    private static StoredObject warm(CachedStore store) {
        store.get(SLOW);
        return store.open(SLOW);
    }

    @Test
    void whoWaitsCanBeInterrupted() throws Exception {
        try (CachedStore store = cached()) {
            Future<byte[]> first = threads.submit(() -> store.get(SLOW));
            asked.await();
            AtomicReference<Throwable> told = new AtomicReference<>();
            Thread second =
                    Thread.ofPlatform()
                            .start(() -> {
                                try {
                                    store.get(SLOW);
                                } catch (Throwable e) {
                                    told.set(e);
                                }
                            });
            while (second.getState() != Thread.State.WAITING) {
                Thread.onSpinWait();
            }
            second.interrupt();
            assertThat(second.join(Duration.ofSeconds(30))).isTrue();
            // The store noticed.
            assertThat(told.get()).hasRootCauseInstanceOf(InterruptedException.class);
            assertThat(first.isDone()).isFalse();
            answer.countDown();
            assertThat(first.get(30, TimeUnit.SECONDS)).isEqualTo(CONTENT);
        }
    }

    @Test
    void aCopyThatCantBeKeptIsFetchedByEach() throws IOException {
        isSlow.set(false);
        Files.writeString(folder.resolve("cache"), "a file where the folder should be");
        try (CachedStore store = cached()) {
            assertThat(store.get(SLOW)).isEqualTo(CONTENT);
            assertThat(store.get(SLOW)).isEqualTo(CONTENT);
            assertThat(opens).hasValue(2);
        }
    }
}
