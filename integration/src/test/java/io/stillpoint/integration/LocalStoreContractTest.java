package io.stillpoint.integration;

import static org.assertj.core.api.Assertions.assertThat;

import io.stillpoint.platform.CancelledException;
import io.stillpoint.testkit.ObjectStoreContract;
import io.stillpoint.vault.store.LocalStore;
import io.stillpoint.vault.store.ObjectId;
import io.stillpoint.vault.store.ObjectName;
import io.stillpoint.vault.store.ObjectName.Area;
import io.stillpoint.vault.store.ObjectStore;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// A folder as a store; and what is its own: leftovers of dead writers.
final class LocalStoreContractTest extends ObjectStoreContract {
    private static final ObjectName NAME = new ObjectName(Area.PACKS, new ObjectId(1, 1));

    @TempDir Path folder;

    @Override
    protected ObjectStore open() {
        return new LocalStore(folder.resolve("vault"));
    }

    private void write() {
        try (ObjectStore store = open();
                ObjectStore.Upload upload = store.create(NAME)) {
            upload.write(new byte[10], 0, 10);
        }
    }

    private Path leftover(String name, String... files) throws IOException {
        Path left = Files.createDirectories(folder.resolve("vault/tmp").resolve(name));
        for (String file : files) {
            Files.writeString(left.resolve(file), "left behind");
        }
        return left;
    }

    @Test
    void theNextWriterRemovesWhatADeadOneLeft() throws IOException {
        Path left = leftover("dead", "lock", "1", "2");
        write();
        assertThat(left).doesNotExist();
    }

    @Test
    void leftoversOfAWriterThatDiedBeforeItsLockOrWhileItTidiedAreRemoved() throws IOException {
        Path early = leftover("early");
        Path late = leftover("late", "1");
        write();
        assertThat(early).doesNotExist();
        assertThat(late).doesNotExist();
    }

    @Test
    void whatALivingWriterHasIsLeftAlone() throws IOException {
        try (ObjectStore living = open();
                ObjectStore.Upload upload = living.create(NAME)) {
            upload.write(new byte[10], 0, 10);
            write();
            upload.commit();
            assertThat(living.exists(NAME)).isTrue();
        }
        assertThat(folder.resolve("vault/tmp")).isEmptyDirectory();
    }

    @Test
    void filesOfOthersAreNotListed() throws IOException {
        write();
        Files.writeString(folder.resolve("vault/packs/.directory"), "a desktop's");
        Files.writeString(folder.resolve("vault/tmp/.directory"), "a desktop's");
        write();
        List<ObjectName> names = new ArrayList<>();
        try (ObjectStore store = open()) {
            store.list(Area.PACKS, listed -> names.add(listed.name()));
        }
        assertThat(names).isEmpty();
    }

    @Test
    void whoIsInterruptedWhileReadingDoesNotStopOthers() throws InterruptedException {
        try (ObjectStore store = open()) {
            try (ObjectStore.Upload upload = store.create(NAME)) {
                upload.write(new byte[10], 0, 10);
                upload.commit();
            }
            try (ObjectStore.StoredObject object = store.open(NAME)) {
                AtomicReference<Class<?>> thrown = new AtomicReference<>(Void.class);
                Thread interrupted =
                        Thread.ofPlatform()
                                .start(() -> {
                                    Thread.currentThread().interrupt();
                                    try {
                                        object.read(0, new byte[10], 0, 10);
                                    } catch (CancelledException e) {
                                        thrown.set(e.getClass());
                                    }
                                });
                interrupted.join();
                assertThat(thrown.get()).isEqualTo(CancelledException.class);
                byte[] content = new byte[10];
                Arrays.fill(content, (byte) 1);
                object.read(0, content, 0, 10);
                assertThat(content).containsOnly(0);
            }
        }
    }
}
