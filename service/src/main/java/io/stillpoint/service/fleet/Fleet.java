package io.stillpoint.service.fleet;

import io.stillpoint.hypervisor.Hypervisor;
import io.stillpoint.hypervisor.VmId;
import io.stillpoint.planning.policy.Policy;
import io.stillpoint.platform.StillpointException;
import io.stillpoint.platform.text.Text;
import io.stillpoint.service.base.Tools;
import io.stillpoint.service.database.Machine;
import io.stillpoint.service.database.Machine.Protection;
import io.stillpoint.service.database.Machines;
import io.stillpoint.service.database.Points;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Predicate;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;

/// Looks which VMs there are, and settles which policy has which. Safe for many threads.
public final class Fleet {
    private static final int NAME_MAX = 200;

    private final Hosts hosts;
    private final Machines machines;
    private final KeptPolicies policies;
    private final Points points;
    private final Tools tools;
    private final Map<String, List<String>> silent = new ConcurrentHashMap<>();
    private final Map<String, Integer> counts = new ConcurrentHashMap<>();

    public Fleet(
            Hosts hosts, Machines machines, KeptPolicies policies, Points points, Tools tools) {
        this.points = points;
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
        settle(false);
    }

    private void look(Hosts.Host host) {
        Hypervisor.Found found = host.hypervisor().find();
        machines.seen(
                host.name(),
                found.vms().stream()
                        .map(vm ->
                                new Machines.Seen(
                                        vm.id(),
                                        shortened(vm.name()),
                                        vm.power().name().toLowerCase(Locale.ROOT)))
                        .toList(),
                Text.of(Fleet.class, "fleet.not-there", host.name()).toString(),
                tools.clock().instant());
        counts.put(host.name(), found.vms().size());
        silent.put(
                host.name(),
                found.unanswered().stream()
                        .map(each -> each.place() + ": " + each.reason().getMessage())
                        .toList());
    }

    /// A guest's owner may call it anything.
    private static String shortened(String name) {
        return name.length() <= NAME_MAX ? name : name.substring(0, NAME_MAX) + "…";
    }

    /// How many VMs the last look at a host found; empty before that.
    public OptionalInt found(String host) {
        Integer count = counts.get(host);
        return count == null ? OptionalInt.empty() : OptionalInt.of(count);
    }

    /// Places of a host where a VM should be and nobody answers, each with the reason.
    public List<String> silent(String host) {
        return silent.getOrDefault(host, List.of());
    }

    /// Settles the policies of all VMs that nobody has chosen by hand, after somebody has changed what selects them.
    public void settle() {
        settle(true);
    }

    /// @param mayEnd whether a VM may be left without a policy: never because it was renamed, which nobody would notice
    private void settle(boolean mayEnd) {
        Map<String, Policy> all = policies.all();
        List<Machine> known = machines.all();
        Map<VmId, List<Machine>> byId =
                known.stream().collect(Collectors.groupingBy(each -> each.key().id()));
        for (Machine machine : known) {
            try {
                List<Machine> same = byId.getOrDefault(machine.key().id(), List.of());
                settle(moved(machine, same), all, mayEnd);
            } catch (StillpointException | IllegalStateException e) {
                // One VM must not keep the others from their policies.
                tools.log().accept(machine.place() + ": " + e.getMessage());
            }
        }
    }

    /// A VM that is new here, and is not any more where it was: its protection and its line of points move with it.
    ///
    /// @param same all that have its id, itself among them
    private Machine moved(Machine machine, List<Machine> same) {
        if (machine.protection().pointName().isPresent() || !isThere(machine)) {
            return machine;
        }
        Optional<Machine> before =
                same.stream()
                        .filter(each -> !each.key().equals(machine.key()))
                        .filter(each -> each.protection().pointName().isPresent())
                        .filter(each -> !isThere(each))
                        .findFirst();
        if (before.isEmpty()) {
            return machine;
        }
        boolean _ = machines.change(before.get().key(), _ -> Protection.NONE);
        boolean _ = machines.change(machine.key(), _ -> before.get().protection());
        tools.log().accept(before.get().key() + " has moved to " + machine.key());
        return machines.find(machine.key()).orElse(machine);
    }

    /// Whether a process has it.
    public static boolean isThere(Machine machine) {
        return machine.trouble().isEmpty()
                && List.of("running", "paused").contains(machine.power());
    }

    private void settle(Machine machine, Map<String, Policy> all, boolean mayEnd) {
        if (!settled(machine, all, mayEnd).equals(machine.protection())) {
            change(machine, now -> settled(machine.with(now), all, mayEnd));
        }
    }

    private Protection settled(Machine machine, Map<String, Policy> all, boolean mayEnd) {
        Protection now = machine.protection();
        if (now.byHand() || now.policy().filter(policies.unreadable()::containsKey).isPresent()) {
            return now;
        }
        Optional<String> policy = wouldHave(machine, all);
        if (policy.isEmpty() && !mayEnd && now.policy().filter(all::containsKey).isPresent()) {
            return now;
        }
        boolean isElsewhere =
                policy.map(all::get)
                        .filter(each -> !now.vault().equals(Optional.of(each.vault())))
                        .isPresent();
        return policy.equals(now.policy()) && !isElsewhere
                ? now
                : protection(machine, policy, false, all);
    }

    private void change(Machine machine, UnaryOperator<Protection> change) {
        if (machines.change(machine.key(), change)) {
            Optional<String> policy =
                    machines.find(machine.key()).flatMap(each -> each.protection().policy());
            tools.log()
                    .accept(
                            machine.place()
                                    + policy.map(name -> ": is backed up by policy " + name)
                                            .orElse(": is not backed up any more"));
        }
    }

    /// The policy that a VM would have if these were all.
    public static Optional<String> wouldHave(Machine machine, Map<String, Policy> all) {
        Protection now = machine.protection();
        if (now.byHand()) {
            return now.policy().filter(all::containsKey);
        }
        List<String> wanted = selecting(machine, all);
        return now.policy().filter(wanted::contains).or(() -> wanted.stream().findFirst());
    }

    /// Whether there are points, so that it stays with their vault.
    private boolean isBound(Protection now) {
        return now.pointName().isPresent()
                && now.vault()
                        .flatMap(vault -> points.newest(vault, now.pointName().get()))
                        .isPresent();
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
        Map<String, Policy> all = policies.all();
        change(machine, now -> protection(machine.with(now), policy, true, all));
    }

    /// Lets the policies select VMs again.
    public void release(List<Machine> those) {
        for (Machine each : those) {
            boolean _ =
                    machines.change(
                            each.key(),
                            now ->
                                    new Protection(
                                            now.policy(),
                                            false,
                                            now.pointName(),
                                            now.vault(),
                                            now.since()));
        }
        settle();
    }

    private Protection protection(
            Machine machine, Optional<String> name, boolean byHand, Map<String, Policy> all) {
        Protection now = machine.protection();
        if (name.isEmpty()) {
            return new Protection(
                    Optional.empty(), byHand, now.pointName(), now.vault(), Optional.empty());
        }
        Policy policy = all.get(name.get());
        if (policy == null) {
            throw FleetException.noPolicy(name.get(), all.keySet());
        }
        boolean isBound = isBound(now);
        String vault = isBound ? now.vault().orElseThrow() : policy.vault();
        if (byHand && !vault.equals(policy.vault())) {
            throw FleetException.otherVault(machine.shown(), vault, policy.name(), policy.vault());
        }
        // Else its line of points goes on where it is; that is an alert.
        return new Protection(
                name,
                byHand,
                isBound ? now.pointName() : Optional.empty(),
                Optional.of(vault),
                now.since().or(() -> Optional.of(tools.clock().instant())));
    }

    /// The VM that a person means: by its id, by the name of its points, or by the hypervisor's name, each also with `HOST/` before
    /// it. Throws a [FleetException] if there is none or more than one.
    public Machine named(String text) {
        List<Machine> all = machines.all();
        for (Predicate<Machine> way : ways(text)) {
            List<Machine> found = all.stream().filter(way).toList();
            if (found.size() > 1) {
                throw FleetException.manyVms(
                        text, found.stream().map(each -> each.key().toString()).toList());
            }
            if (found.size() == 1) {
                return found.getFirst();
            }
        }
        throw FleetException.noVm(text, all.stream().map(Machine::place).toList());
    }

    /// An id is one VM's, and counts more than any name; then what points are called, which no two VMs of a vault share;
    /// then what a VM calls itself.
    private static List<Predicate<Machine>> ways(String text) {
        return List.of(
                each -> each.key().toString().equals(text),
                each -> each.key().id().text().equals(text),
                each -> each.protection().pointName().filter(own(each, text)::equals).isPresent(),
                each -> each.name().equals(own(each, text)));
    }

    /// Without the host before it.
    private static String own(Machine machine, String text) {
        String prefix = machine.key().host() + "/";
        return text.startsWith(prefix) ? text.substring(prefix.length()) : text;
    }

    /// Whether no VM is known that a text could mean.
    public boolean isUnknown(String text) {
        List<Machine> all = machines.all();
        return ways(text).stream().noneMatch(way -> all.stream().anyMatch(way));
    }
}
