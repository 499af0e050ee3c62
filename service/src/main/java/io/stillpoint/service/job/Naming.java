package io.stillpoint.service.job;

import io.stillpoint.engine.BackupSettings;
import io.stillpoint.service.base.Tools;
import io.stillpoint.service.database.Machine;
import io.stillpoint.service.database.Machines;
import io.stillpoint.service.database.Points;
import io.stillpoint.service.vaults.Catalogue;
import io.stillpoint.service.vaults.Vaults;
import io.stillpoint.vault.point.RecoveryPoint;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;

/// Settles what the points of a VM are called, at its first job: as they are called already if the vault has some of this
/// machine, else by its name, else by its id. Never as points of another machine are called.
final class Naming {
    private static final int NAMES_MAX = 8;

    /// The id of another machine, which may come to need it.
    private static final Pattern UUID =
            Pattern.compile("\\p{XDigit}{8}(-\\p{XDigit}{4}){3}-\\p{XDigit}{12}");

    private final Machines machines;
    private final Points points;
    private final Tools tools;

    Naming(Machines machines, Points points, Tools tools) {
        this.machines = machines;
        this.points = points;
        this.tools = tools;
    }

    /// The VM, with a name for its points. Throws what the vault throws.
    Machine named(Machine machine, Vaults.Opened opened) {
        if (machine.protection().pointName().isPresent()) {
            return machine;
        }
        String name = name(machine, opened);
        boolean _ =
                machines.change(
                        machine.key(),
                        now ->
                                new Machine.Protection(
                                        now.policy(),
                                        now.byHand(),
                                        Optional.of(name),
                                        Optional.of(opened.name()),
                                        now.since()));
        return machines.find(machine.key()).orElse(machine);
    }

    private String name(Machine machine, Vaults.Opened opened) {
        String id = machine.key().id().text();
        List<String> candidates = new ArrayList<>();
        points.nameOf(opened.name(), id).ifPresent(candidates::add);
        candidates.addAll(List.of(machine.name(), id, id + "@" + machine.key().host()));
        // Others may have taken these for their names.
        for (int i = 0; i < NAMES_MAX; i++) {
            candidates.add(id + "-" + tools.randomness().hex(4));
        }
        return candidates.stream()
                .filter(BackupSettings::isVmName)
                .filter(name -> name.equals(id) || !UUID.matcher(name).matches())
                .filter(name -> !machines.isTaken(opened.name(), name, machine.key()))
                .filter(name -> isOurs(opened.vault().newest(name), machine))
                .findFirst()
                .orElseThrow(() -> new IllegalStateException("no name for " + machine.key()));
    }

    private static boolean isOurs(Optional<RecoveryPoint> newest, Machine machine) {
        return newest.isEmpty()
                || newest.flatMap(Catalogue::machine).equals(Optional.of(machine.key().id()));
    }
}
