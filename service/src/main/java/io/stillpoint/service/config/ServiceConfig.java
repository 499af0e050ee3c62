package io.stillpoint.service.config;

import io.stillpoint.platform.ByteSize;
import io.stillpoint.service.database.Database;
import io.stillpoint.stores.StoreLocation;
import io.stillpoint.vault.crypto.Credential;
import io.stillpoint.vault.crypto.KeyFile;
import io.stillpoint.vault.crypto.Passphrase;
import java.nio.file.Path;
import java.time.Duration;
import java.time.LocalTime;
import java.time.ZoneId;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/// What the service knows when it starts.
///
/// @param name of this server; servers of one database have different ones
/// @param state folder for what this machine keeps
/// @param vaults by their names
/// @param hosts by their names
/// @param history for how long ended jobs are kept
/// @param passwordFile with the database's password
public record ServiceConfig(
        String name,
        Path state,
        Database.Place database,
        Control control,
        Map<String, VaultConfig> vaults,
        Map<String, HostConfig> hosts,
        Limits limits,
        Duration history,
        Optional<Path> passwordFile) {
    public ServiceConfig {
        vaults = Collections.unmodifiableMap(new LinkedHashMap<>(vaults));
        hosts = Collections.unmodifiableMap(new LinkedHashMap<>(hosts));
    }

    /// All files in which secrets lie, which nobody but their owner should be able to read.
    public Set<Path> secrets() {
        Set<Path> files = new LinkedHashSet<>();
        vaults.values().forEach(each -> files.add(each.key().file()));
        passwordFile.ifPresent(files::add);
        return files;
    }

    /// Where commands reach the service.
    ///
    /// @param group whose members may, besides root and the service's own user
    public record Control(Path socket, Optional<String> group) {}

    /// A vault.
    ///
    /// @param undo for how long what retention forgot can be brought back
    public record VaultConfig(
            StoreLocation location, Key key, Optional<Cache> cache, Duration undo, Care care) {}

    /// Where a vault's key is: it is read each time that the vault is opened.
    public sealed interface Key {
        /// Reads it. Throws a [io.stillpoint.vault.store.VaultException].
        Credential read();

        /// The file.
        Path file();

        /// A file with a random key.
        record OfFile(Path file) implements Key {
            @Override
            public Credential read() {
                return KeyFile.read(file);
            }
        }

        /// A file whose first line is a passphrase.
        record OfPassphrase(Path file) implements Key {
            @Override
            public Credential read() {
                return Passphrase.read(file);
            }
        }
    }

    /// A cache of what a remote vault holds.
    public record Cache(Path folder, ByteSize size) {}

    /// When a vault is taken care of.
    ///
    /// @param length of the window: verification stops at its end and goes on the next day
    public record Care(ZoneId zone, LocalTime from, Duration length) {}

    /// A host of QEMU.
    ///
    /// @param monitors patterns of sockets
    /// @param agent where the agent's socket of a VM is: `{folder}` and `{name}` stand for those of its monitor
    public record HostConfig(
            List<SocketPattern> monitors,
            Optional<String> agent,
            Path scratch,
            ByteSize scratchLimit) {
        public HostConfig {
            monitors = List.copyOf(monitors);
        }

        /// The agent's socket of the VM with this monitor.
        public Optional<Path> agentOf(Path monitor) {
            return agent.map(pattern ->
                    Path.of(
                            pattern.replace("{folder}", String.valueOf(monitor.getParent()))
                                    .replace(
                                            "{name}",
                                            bare(String.valueOf(monitor.getFileName())))));
        }

        private static String bare(String name) {
            int dot = name.lastIndexOf('.');
            return dot > 0 ? name.substring(0, dot) : name;
        }
    }

    /// How much happens at once.
    ///
    /// @param jobs that hold a snapshot or are about to
    /// @param transfers in total
    /// @param perHost transfers from one host
    /// @param perVault transfers to one vault
    public record Limits(int jobs, int transfers, int perHost, int perVault) {}
}
