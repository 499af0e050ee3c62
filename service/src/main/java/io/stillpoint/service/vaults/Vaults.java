package io.stillpoint.service.vaults;

import io.stillpoint.engine.VaultPin;
import io.stillpoint.platform.StillpointException;
import io.stillpoint.service.base.Tools;
import io.stillpoint.service.config.ServiceConfig;
import io.stillpoint.service.config.ServiceConfig.VaultConfig;
import io.stillpoint.stores.CachedStore;
import io.stillpoint.stores.CountedStore;
import io.stillpoint.stores.StoreLocation;
import io.stillpoint.stores.request.Budget;
import io.stillpoint.stores.request.Meter;
import io.stillpoint.vault.Vault;
import io.stillpoint.vault.session.VaultSettings;
import io.stillpoint.vault.store.ObjectStore;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/// Opens each vault when it is first needed, and shares it: jobs, retention and verification use the same open vault. One
/// that can't be opened is tried again by whoever needs it next. Safe for many threads.
public final class Vaults implements AutoCloseable {
    private static final Duration CLOSE_MAX = Duration.ofMinutes(1);

    private final Map<String, VaultConfig> configs;
    private final ServiceConfig config;
    private final Tools tools;
    private final Map<String, Slot> slots = new LinkedHashMap<>();
    private final Map<String, String> troubles = new ConcurrentHashMap<>();
    private final Map<String, List<String>> alarms = new ConcurrentHashMap<>();

    /// A vault that is open, and what this machine has seen of it.
    public record Opened(String name, VaultConfig config, Vault vault, VaultPin pin) {}

    /// Its lock is held while the vault is opened: others who need it wait for the same answer.
    private static final class Slot {
        private Optional<Opened> opened = Optional.empty();
        private volatile boolean isOpen;
    }

    public Vaults(ServiceConfig config, Tools tools) {
        this.config = config;
        this.configs = config.vaults();
        this.tools = tools;
        configs.keySet().forEach(name -> slots.put(name, new Slot()));
    }

    /// The names of all.
    public Set<String> names() {
        return configs.keySet();
    }

    /// Why a vault could not be opened at the last try; empty if it could.
    public Optional<String> trouble(String name) {
        return Optional.ofNullable(troubles.get(name));
    }

    /// What speaks against a vault being the one that this machine saw before.
    public List<String> alarms(String name) {
        return alarms.getOrDefault(name, List.of());
    }

    /// Whether a vault is open.
    public boolean isOpen(String name) {
        Slot slot = slots.get(name);
        return slot != null && slot.isOpen;
    }

    /// The vault of this name, open. Throws a [VaultsException] if there is none, and whatever keeps it from being opened.
    public Opened open(String name) {
        Slot slot = slots.get(name);
        VaultConfig vault = configs.get(name);
        if (slot == null || vault == null) {
            throw VaultsException.unknown(name, configs.keySet());
        }
        synchronized (slot) {
            if (slot.opened.isEmpty()) {
                try {
                    slot.opened = Optional.of(opened(name, vault));
                    slot.isOpen = true;
                    troubles.remove(name);
                } catch (StillpointException e) {
                    troubles.put(name, e.getMessage());
                    throw e;
                }
            }
            return slot.opened.get();
        }
    }

    private Opened opened(String name, VaultConfig where) {
        StoreLocation location = where.location();
        Meter meter = new Meter(location.prices(), Budget.UNLIMITED);
        ObjectStore store =
                location.open(
                        new StoreLocation.Surroundings(
                                tools.environment(),
                                tools.randomness(),
                                tools.clock(),
                                meter,
                                tools.process().threads()));
        if (!location.isRemote()) {
            store = new CountedStore(store, meter);
        } else if (where.cache().isPresent()) {
            ServiceConfig.Cache cache = where.cache().get();
            store = new CachedStore(store, cache.folder(), cache.size().bytes(), tools.clock());
        }
        boolean done = false;
        try {
            Vault vault =
                    Vault.open(
                            store,
                            where.key().read(),
                            new Vault.Surroundings(
                                    tools.randomness(),
                                    tools.clock(),
                                    tools.process(),
                                    location.isRemote()
                                            ? VaultSettings.DEFAULT.withoutDifferences()
                                            : VaultSettings.DEFAULT));
            done = true;
            return looked(name, where, vault);
        } finally {
            if (!done) {
                store.close();
            }
        }
    }

    private Opened looked(String name, VaultConfig where, Vault vault) {
        boolean done = false;
        try {
            String text = where.location().toString();
            VaultPin pin =
                    new VaultPin(
                            config.state(),
                            where.location().isRemote() ? text : VaultPin.place(Path.of(text)));
            List<VaultPin.Finding> findings = pin.look(vault);
            findings.forEach(finding -> tools.log().accept(name + ": " + finding.text()));
            alarms.put(
                    name,
                    findings.stream()
                            .filter(VaultPin.Finding::isAlarm)
                            .map(finding -> finding.text().toString())
                            .toList());
            vault.completeCatalogue();
            done = true;
            return new Opened(name, where, vault, pin);
        } finally {
            if (!done) {
                vault.close();
            }
        }
    }

    @Override
    public void close() {
        for (Slot slot : slots.values()) {
            synchronized (slot) {
                slot.opened.ifPresent(each -> each.vault().close(CLOSE_MAX));
                slot.opened = Optional.empty();
            }
        }
    }
}
