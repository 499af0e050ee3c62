package io.stillpoint.cli;

import io.stillpoint.platform.ByteSize;
import io.stillpoint.platform.Randomness;
import io.stillpoint.platform.Waiting;
import io.stillpoint.platform.text.Text;
import io.stillpoint.stores.CachedStore;
import io.stillpoint.stores.CountedStore;
import io.stillpoint.stores.StoreLocation;
import io.stillpoint.stores.request.Budget;
import io.stillpoint.stores.request.Meter;
import io.stillpoint.vault.Vault;
import io.stillpoint.vault.crypto.Credential;
import io.stillpoint.vault.session.VaultSettings;
import io.stillpoint.vault.store.ObjectStore;
import io.stillpoint.vault.verify.SealedVault;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/// Which vault, and the key to it.
final class VaultOptions {
    @Option(
            names = "--vault",
            required = true,
            paramLabel = "LOCATION",
            defaultValue = "${env:STILLPOINT_VAULT}",
            descriptionKey = "option.vault")
    private String vault = "";

    @Mixin private KeyOptions key = new KeyOptions();

    @Spec(Spec.Target.MIXEE)
    private @Nullable CommandSpec command;

    @Option(names = "--cache-dir", paramLabel = "DIR", descriptionKey = "option.cache-dir")
    private @Nullable Path cache;

    @Option(
            names = "--cache-size",
            paramLabel = "SIZE",
            defaultValue = "4G",
            converter = ByteSizeConverter.class,
            descriptionKey = "option.cache-size")
    private ByteSize cacheSize = ByteSize.parse("4G");

    @Option(names = "--max-requests", paramLabel = "N", descriptionKey = "option.max-requests")
    private long requestsMax = Long.MAX_VALUE;

    @Option(
            names = "--max-transfer",
            paramLabel = "SIZE",
            converter = ByteSizeConverter.class,
            descriptionKey = "option.max-transfer")
    private ByteSize transferMax = new ByteSize(Long.MAX_VALUE);

    @Option(names = "--max-cost", paramLabel = "AMOUNT", descriptionKey = "option.max-cost")
    private double costMax = Double.POSITIVE_INFINITY;

    @Option(names = "--differences", descriptionKey = "option.differences")
    private boolean differences;

    private @Nullable StoreLocation location;
    private @Nullable Meter meter;

    KeyOptions key() {
        return key;
    }

    /// Throws what is wrong with the location as it was given.
    StoreLocation location() {
        if (location == null) {
            // `stillpoint backup` can do without.
            if (vault.isEmpty()) {
                throw new ParameterException(
                        Objects.requireNonNull(command).commandLine(),
                        Output.text("usage.missing", "--vault LOCATION"));
            }
            location = StoreLocation.parse(vault);
        }
        return location;
    }

    /// Counts what this command asks of the store.
    Meter meter() {
        if (meter == null) {
            Budget budget = new Budget(requestsMax, transferMax.bytes(), costMax);
            meter = new Meter(location().prices(), budget);
        }
        return meter;
    }

    private StoreLocation.Surroundings surroundings() {
        // Everything that has to do with a vault comes by here before it touches a VM, a guest or
        // the vault.
        Readiness.require();
        return new StoreLocation.Surroundings(
                System.getenv(),
                Randomness.secure(),
                InstantSource.system(),
                meter(),
                Readiness.process().threads());
    }

    /// Makes sure that the store is fit for a new vault.
    void probe() {
        location().probe(surroundings());
    }

    /// The store itself, every byte of which is read from where it lies.
    ObjectStore store() {
        ObjectStore store = location().open(surroundings());
        return location().isRemote() ? store : new CountedStore(store, meter());
    }

    private ObjectStore cached(StoreLocation where, ObjectStore store) {
        if (!where.isRemote() || cacheSize.bytes() == 0) {
            return store;
        }
        Path folder = cache == null ? cacheOf(System.getenv()) : cache;
        return new CachedStore(store, folder, cacheSize.bytes(), InstantSource.system());
    }

    /// As the XDG base directory specification says.
    private static Path cacheOf(Map<String, String> environment) {
        String xdg = environment.getOrDefault("XDG_CACHE_HOME", "");
        Path caches =
                Path.of(xdg).isAbsolute()
                        ? Path.of(xdg)
                        : Readiness.home("--cache-dir").resolve(".cache");
        return caches.resolve("stillpoint").resolve("vaults");
    }

    Vault open() {
        return open(cached(location(), store()), location(), key.credential());
    }

    /// Another vault, with the same cache.
    Vault open(StoreLocation where, Credential credential) {
        StoreLocation.Surroundings surroundings = surroundings();
        return open(cached(where, where.open(surroundings)), where, credential);
    }

    /// What can be done without the key.
    SealedVault openSealed() {
        try (Waiting _ = waiting(location())) {
            return SealedVault.open(store(), Readiness.process());
        }
    }

    /// For checks, which must see what lies in the store and not copies of it.
    Vault openUncached() {
        return open(store(), location(), key.credential());
    }

    /// A folder may lie on a server that is gone. Remote stores tell of each request themselves.
    private static @Nullable Waiting waiting(StoreLocation where) {
        return where.isRemote()
                ? null
                : Waiting.until(() -> Text.of(Output.class, "store.answer", where));
    }

    private Vault open(ObjectStore store, StoreLocation where, Credential credential) {
        try (Waiting _ = waiting(where)) {
            VaultSettings settings =
                    where.isRemote() && !differences
                            ? VaultSettings.DEFAULT.withoutDifferences()
                            : VaultSettings.DEFAULT;
            return Vault.open(
                    store,
                    credential,
                    new Vault.Surroundings(
                            Randomness.secure(),
                            InstantSource.system(),
                            Readiness.process(),
                            settings));
        } catch (RuntimeException | Error e) {
            store.close();
            throw e;
        }
    }
}
