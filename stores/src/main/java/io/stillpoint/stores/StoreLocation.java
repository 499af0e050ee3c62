package io.stillpoint.stores;

import io.stillpoint.platform.Randomness;
import io.stillpoint.platform.Threads;
import io.stillpoint.stores.azure.AzureAccess;
import io.stillpoint.stores.azure.AzureAddress;
import io.stillpoint.stores.azure.AzureSettings;
import io.stillpoint.stores.azure.AzureStore;
import io.stillpoint.stores.request.Meter;
import io.stillpoint.stores.request.Prices;
import io.stillpoint.stores.s3.S3Access;
import io.stillpoint.stores.s3.S3Address;
import io.stillpoint.stores.s3.S3Settings;
import io.stillpoint.stores.s3.S3Store;
import io.stillpoint.vault.store.LocalStore;
import io.stillpoint.vault.store.ObjectStore;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// Where a user keeps a vault: a folder, or `s3://BUCKET/PREFIX?OPTION=VALUE&…`, or
/// `azure://ACCOUNT/CONTAINER/PREFIX?…` (docs/stores.md).
public sealed interface StoreLocation {
    /// What a store needs of its surroundings.
    ///
    /// @param environment the process's variables, where credentials may be
    record Surroundings(
            Map<String, String> environment,
            Randomness randomness,
            InstantSource clock,
            Meter meter,
            Threads threads) {}

    /// Reads what a user gave. Throws kind `LOCATION`.
    static StoreLocation parse(String text) {
        return LocationText.parse(text);
    }

    /// Opens the store. Nothing is sent yet.
    ObjectStore open(Surroundings surroundings);

    /// Whether requests cost time and perhaps money.
    boolean isRemote();

    Prices prices();

    /// Makes sure, before the first vault is made here, that the store is fit for one. Throws kind `UNSUPPORTED`.
    default void probe(Surroundings surroundings) {}

    /// As the user gave it.
    @Override
    String toString();

    /// A folder of this machine.
    record Folder(Path path) implements StoreLocation {
        @Override
        public ObjectStore open(Surroundings surroundings) {
            return new LocalStore(path);
        }

        @Override
        public boolean isRemote() {
            return false;
        }

        @Override
        public Prices prices() {
            return Prices.NONE;
        }

        @Override
        public String toString() {
            return path.toString();
        }
    }

    /// A bucket of S3 or a server that speaks its protocol.
    ///
    /// @param profile of AWS's files, or null
    record Bucket(
            String text,
            S3Address address,
            S3Settings settings,
            @Nullable String profile,
            Prices prices)
            implements StoreLocation {
        @Override
        public ObjectStore open(Surroundings surroundings) {
            return store(surroundings);
        }

        private S3Store store(Surroundings surroundings) {
            return new S3Store(
                    address,
                    S3Access.of(surroundings.environment, profile),
                    settings,
                    new S3Store.Surroundings(
                            surroundings.randomness,
                            surroundings.clock,
                            surroundings.meter,
                            surroundings.threads));
        }

        @Override
        public boolean isRemote() {
            return true;
        }

        @Override
        public void probe(Surroundings surroundings) {
            try (S3Store store = store(surroundings)) {
                store.probe();
            }
        }

        @Override
        public String toString() {
            return text;
        }
    }

    /// A container of Azure's Blob Storage.
    record Container(String text, AzureAddress address, AzureSettings settings, Prices prices)
            implements StoreLocation {
        @Override
        public ObjectStore open(Surroundings surroundings) {
            return new AzureStore(
                    address,
                    AzureAccess.of(surroundings.environment),
                    settings,
                    new AzureStore.Surroundings(
                            surroundings.randomness,
                            surroundings.clock,
                            surroundings.meter,
                            surroundings.threads));
        }

        @Override
        public boolean isRemote() {
            return true;
        }

        @Override
        public String toString() {
            return text;
        }
    }
}
