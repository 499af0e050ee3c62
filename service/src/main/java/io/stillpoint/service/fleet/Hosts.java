package io.stillpoint.service.fleet;

import io.stillpoint.hypervisor.VmId;
import io.stillpoint.hypervisor.qemu.DiskChoice;
import io.stillpoint.hypervisor.qemu.KnownMonitors;
import io.stillpoint.hypervisor.qemu.QemuHypervisor;
import io.stillpoint.hypervisor.qemu.QemuSettings;
import io.stillpoint.service.base.Tools;
import io.stillpoint.service.config.ServiceConfig;
import io.stillpoint.service.config.ServiceConfig.HostConfig;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/// The hosts that this server reaches. Safe for many threads.
public final class Hosts {
    private final Map<String, Host> hosts = new LinkedHashMap<>();

    /// One of them.
    public record Host(String name, HostConfig config, QemuHypervisor hypervisor) {
        /// The agent's socket of a VM; empty if the configuration names none. Throws as [QemuHypervisor#describe].
        public Optional<Path> agent(VmId vm) {
            return config.agent().isEmpty()
                    ? Optional.empty()
                    : config.agentOf(hypervisor.monitor(vm));
        }
    }

    public Hosts(ServiceConfig config, Tools tools) {
        config.hosts()
                .forEach((name, host) -> {
                    // Apart from what `stillpoint sweep` knows: it would end snapshots that wait
                    // for the service.
                    KnownMonitors known =
                            new KnownMonitors(config.state().resolve("hosts").resolve(name));
                    QemuSettings settings =
                            new QemuSettings(
                                    "",
                                    DiskChoice.USUAL,
                                    Optional.of(known),
                                    tools.guardian(),
                                    tools.process().threads());
                    hosts.put(
                            name,
                            new Host(
                                    name,
                                    host,
                                    new QemuHypervisor(() -> monitors(host), settings)));
                });
    }

    private static List<Path> monitors(HostConfig host) {
        List<Path> monitors = new ArrayList<>();
        host.monitors().forEach(pattern -> monitors.addAll(pattern.matches()));
        return monitors;
    }

    /// The names of all.
    public Set<String> names() {
        return hosts.keySet();
    }

    /// The host of this name, if this server reaches it.
    public Optional<Host> find(String name) {
        return Optional.ofNullable(hosts.get(name));
    }
}
