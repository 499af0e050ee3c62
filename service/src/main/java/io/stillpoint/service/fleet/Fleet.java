package io.stillpoint.service.fleet;

import io.stillpoint.engine.BackupSettings;
import io.stillpoint.hypervisor.Hypervisor;
import io.stillpoint.planning.policy.Policy;
import io.stillpoint.platform.StillpointException;
import io.stillpoint.platform.text.Text;
import io.stillpoint.service.base.Tools;
import io.stillpoint.service.database.Machine;
import io.stillpoint.service.database.Machine.Protection;
import io.stillpoint.service.database.Machines;
import io.stillpoint.service.database.VmKey;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;

/// Looks which VMs there are, and settles which policy has which. Safe for many threads.
public final class Fleet {
    private static final int NAMES_MAX = 8;

    private final Hosts hosts;
    private final Machines machines;
    private final KeptPolicies policies;
    private final Tools tools;
    private final Map<String, List<String>> silent = new ConcurrentHashMap<>();

    public Fleet(Hosts hosts, Machines machines, KeptPolicies policies, Tools tools) {
        this.hosts = hosts;
        this.machines = machines;
        this.policies = policies;
        this.tools = tools;
    }

    /// Looks at all hosts that this server reaches, then settles the policies of all VMs.
    public void look() {
        for (String name : hosts.names()) {
            hosts.find(name).ifPresent(this::look);
        }
        settle();
    }

    private void look(Hosts.Host host) {
        Hypervisor.Found found = host.hypervisor().find();
        machines.seen(
                host.name(),
                found.vms().stream()
                        .map(vm ->
                                new Machines.Seen(
                                        vm.id(),
                                        vm.name(),
                                        vm.power().name().toLowerCase(Locale.ROOT)))
                        .toList(),
                Text.of(Fleet.class, "fleet.not-there", host.name()).toString(),
                tools.clock().instant());
        silent.put(
                host.name(),
                found.unanswered().stream()
                        .map(each -> each.place() + ": " + each.reason().getMessage())
                        .toList());
    }

    /// Places of a host where a VM should be and nobody answers, each with the reason.
    public List<String> silent(String host) {
        return silent.getOrDefault(host, List.of());
    }

    /// Settles the policies of all VMs that nobody has chosen by hand.
    public void settle() {
        Map<String, Policy> all = policies.all();
        List<Machine> known = machines.all();
        for (Machine machine : known) {
            try {
                settle(moved(machine, known), all);
            } catch (StillpointException | IllegalStateException e) {
                // One VM must not keep the others from their policies.
                tools.log().accept(machine.key() + ": " + e.getMessage());
            }
        }
    }

    /// A VM that is new here, and is not any more where it was: its protection and its line of points move with it.
    private Machine moved(Machine machine, List<Machine> known) {
        if (machine.protection().pointName().isPresent() || !isThere(machine)) {
            return machine;
        }
        Optional<Machine> before =
                known.stream()
                        .filter(each -> each.key().id().equals(machine.key().id()))
                        .filter(each -> !each.key().equals(machine.key()))
                        .filter(each -> each.protection().pointName().isPresent())
                        .filter(each -> !isThere(each))
                        .findFirst();
        if (before.isEmpty()) {
            return machine;
        }
        machines.protect(before.get().key(), Protection.NONE);
        machines.protect(machine.key(), before.get().protection());
        tools.log().accept(before.get().key() + " has moved to " + machine.key());
        return machines.find(machine.key()).orElse(machine);
    }

    /// Whether a process has it.
    private static boolean isThere(Machine machine) {
        return machine.trouble().isEmpty()
                && List.of("running", "paused").contains(machine.power());
    }

    private void settle(Machine machine, Map<String, Policy> all) {
        Protection now = machine.protection();
        if (now.byHand() || now.policy().filter(policies.unreadable()::containsKey).isPresent()) {
            return;
        }
        List<String> wanted = selecting(machine, all);
        Optional<String> policy =
                now.policy().filter(wanted::contains).or(() -> wanted.stream().findFirst());
        if (!policy.equals(now.policy())) {
            protect(machine, policy, false, all);
        }
    }

    /// The policies that select a VM, by name.
    public static List<String> selecting(Machine machine, Map<String, Policy> all) {
        List<String> selecting = new ArrayList<>();
        all.values().stream()
                .filter(each -> each.selection().selects(machine.called(), machine.tags()))
                .map(Policy::name)
                .sorted()
                .forEach(selecting::add);
        return selecting;
    }

    /// Gives a VM a policy by hand, or none. Throws a [FleetException] if there is no such policy, or if the VM's points are
    /// in another vault.
    public void choose(Machine machine, Optional<String> policy) {
        protect(machine, policy, true, policies.all());
    }

    /// Lets the policies select a VM again.
    public void release(Machine machine) {
        Protection now = machine.protection();
        machines.protect(
                machine.key(),
                new Protection(now.policy(), false, now.pointName(), now.vault(), now.since()));
        settle();
    }

    private void protect(
            Machine machine, Optional<String> name, boolean byHand, Map<String, Policy> all) {
        Protection now = machine.protection();
        if (name.isEmpty()) {
            machines.protect(
                    machine.key(),
                    new Protection(
                            Optional.empty(),
                            byHand,
                            now.pointName(),
                            now.vault(),
                            Optional.empty()));
            tools.log().accept(machine.key() + ": is not backed up any more");
            return;
        }
        Policy policy = all.get(name.get());
        if (policy == null) {
            throw FleetException.noPolicy(name.get(), all.keySet());
        }
        String vault = now.vault().orElse(policy.vault());
        if (!vault.equals(policy.vault())) {
            if (byHand) {
                throw FleetException.otherVault(
                        machine.shown(), vault, policy.name(), policy.vault());
            }
            // Its line of points goes on where it is. `vm list` shows which policy selects it.
            return;
        }
        boolean isNew = now.since().isEmpty();
        machines.protect(
                machine.key(),
                new Protection(
                        name,
                        byHand,
                        Optional.of(now.pointName().orElseGet(() -> pointName(machine, vault))),
                        Optional.of(vault),
                        isNew ? Optional.of(tools.clock().instant()) : now.since()));
        tools.log().accept(machine.key() + ": is backed up by policy " + name.get());
    }

    /// What the points of a VM are called: no other VM of the vault has that name.
    private String pointName(Machine machine, String vault) {
        String id = machine.key().id().text();
        List<String> candidates =
                new ArrayList<>(List.of(machine.name(), id, id + "@" + machine.key().host()));
        // Others may have taken these for their names.
        for (int i = 0; i < NAMES_MAX; i++) {
            candidates.add(id + "-" + tools.randomness().hex(4));
        }
        return candidates.stream()
                .filter(BackupSettings::isVmName)
                .filter(name -> !machines.isTaken(vault, name, machine.key()))
                .findFirst()
                .orElseThrow(() -> new IllegalStateException("no name for " + machine.key()));
    }

    /// The VM that a person means: by the name of its points, by the hypervisor's name, by its id, or by `HOST/` and one of
    /// these. Throws a [FleetException] if there is none or more than one.
    public Machine named(String text) {
        Map<VmKey, Machine> found = new LinkedHashMap<>();
        for (Machine each : machines.all()) {
            if (isMeant(each, text)) {
                found.put(each.key(), each);
            }
        }
        if (found.size() != 1) {
            List<String> names =
                    (found.isEmpty() ? machines.all() : List.copyOf(found.values()))
                            .stream().map(each -> each.key().host() + "/" + each.shown()).toList();
            throw found.isEmpty()
                    ? FleetException.noVm(text, names)
                    : FleetException.manyVms(
                            text, found.keySet().stream().map(VmKey::toString).toList());
        }
        return found.values().iterator().next();
    }

    private static boolean isMeant(Machine machine, String text) {
        String prefix = machine.key().host() + "/";
        String name = text.startsWith(prefix) ? text.substring(prefix.length()) : text;
        return name.equals(machine.shown())
                || name.equals(machine.name())
                || name.equals(machine.key().id().text());
    }
}
