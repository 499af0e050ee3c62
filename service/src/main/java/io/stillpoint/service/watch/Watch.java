package io.stillpoint.service.watch;

import io.stillpoint.planning.policy.Policy;
import io.stillpoint.planning.queue.Forecast;
import io.stillpoint.planning.schedule.Slot;
import io.stillpoint.platform.text.Moment;
import io.stillpoint.platform.text.Text;
import io.stillpoint.service.base.Tools;
import io.stillpoint.service.database.Alerts;
import io.stillpoint.service.database.Alerts.Alert;
import io.stillpoint.service.database.Cares;
import io.stillpoint.service.database.Job;
import io.stillpoint.service.database.Jobs;
import io.stillpoint.service.database.Machine;
import io.stillpoint.service.database.Machines;
import io.stillpoint.service.database.Points;
import io.stillpoint.service.fleet.Fleet;
import io.stillpoint.service.fleet.Hosts;
import io.stillpoint.service.fleet.KeptPolicies;
import io.stillpoint.service.job.Turns;
import io.stillpoint.service.vaults.Vaults;
import io.stillpoint.vault.crypto.SecretFile;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/// Finds what a person should look at (`docs/service.md`, "Alerts"), and keeps when it began and ended. A server looks at its
/// own hosts and vaults. Safe for many threads.
public final class Watch {
    /// A job has so long from its slot on.
    private static final Duration JOB_MAX = Duration.ofHours(24);

    private final Records records;
    private final Hosts hosts;
    private final Vaults vaults;
    private final Turns turns;
    private final Tools tools;
    private final Set<Path> secrets;

    /// What the database knows.
    public record Records(
            Machines machines,
            KeptPolicies policies,
            Jobs jobs,
            Points points,
            Cares cares,
            Alerts alerts) {}

    /// What is looked at.
    ///
    /// @param secrets files that nobody but their owner should be able to read
    public record Places(Hosts hosts, Vaults vaults, Turns turns, Set<Path> secrets) {
        public Places {
            secrets = Set.copyOf(secrets);
        }
    }

    public Watch(Records records, Places places, Tools tools) {
        this.records = records;
        hosts = places.hosts();
        vaults = places.vaults();
        turns = places.turns();
        secrets = places.secrets();
        this.tools = tools;
    }

    /// Looks, and keeps and logs what began and what ended since the last look.
    public void look() {
        Alerts.Changes changes = records.alerts().settle(now(), tools.clock().instant());
        changes.opened().forEach(each -> log("ALERT ", each));
        changes.closed().forEach(each -> log("Over: ", each));
    }

    private void log(String word, Alert alert) {
        tools.log().accept(word + alert.subject() + ": " + alert.message());
    }

    /// What there is now.
    public List<Alert> now() {
        List<Alert> alerts = new ArrayList<>();
        Map<String, Machine> ours = new HashMap<>();
        Set<String> names = hosts.names();
        records.machines().all().stream()
                .filter(each -> names.contains(each.key().host()))
                .forEach(each -> ours.put(each.key().toString(), each));
        jobs(ours, alerts);
        pointsDue(ours.values(), alerts);
        vaults.names().forEach(each -> vault(each, alerts));
        records.cares().all().stream()
                .filter(each -> vaults.names().contains(each.vault()))
                .forEach(each ->
                        each.code()
                                .ifPresent(code ->
                                        alerts.add(new Alert(each.vault(), code, each.message()))));
        secrets.forEach(file ->
                SecretFile.exposure(file)
                        .ifPresent(
                                mode -> alerts.add(alert(file, "watch.open-secret", file, mode))));
        return alerts;
    }

    private void jobs(Map<String, Machine> ours, List<Alert> alerts) {
        Instant now = tools.clock().instant();
        for (Job each : records.jobs().unfinished()) {
            Machine machine = ours.get(each.vm().toString());
            if (machine == null) {
                continue;
            }
            Optional<Forecast> forecast = turns.forecast(each.id());
            if (now.isAfter(each.deadline())) {
                add(
                        alerts,
                        machine,
                        "watch.late",
                        each.id(),
                        Moment.text(each.deadline()),
                        each.course().message().orElse(""));
            } else if (forecast.filter(Forecast::misses).isPresent()) {
                add(
                        alerts,
                        machine,
                        "watch.will-miss",
                        each.id(),
                        Moment.text(each.deadline()),
                        end(forecast.get()));
            }
        }
        for (Job each : records.jobs().lastFailed()) {
            Optional<Machine> machine = Optional.ofNullable(ours.get(each.vm().toString()));
            // Of a VM whose protection has stopped nobody wants to hear it again and again.
            if (machine.flatMap(vm -> vm.protection().policy()).isPresent()) {
                add(
                        alerts,
                        machine.get(),
                        "watch.failed",
                        each.id(),
                        each.course().message().orElse(""));
            }
        }
    }

    private static String end(Forecast forecast) {
        return forecast.end().equals(Instant.MAX) ? "-" : Moment.text(forecast.end());
    }

    /// VMs of which no point was made within a day after it was due.
    private void pointsDue(Iterable<Machine> machines, List<Alert> alerts) {
        Map<String, Policy> policies = records.policies().all();
        records.policies()
                .unreadable()
                .forEach((name, why) -> alerts.add(alert(name, "watch.unreadable", why)));
        Map<Points.Line, Points.Point> newestOf = records.points().newest();
        Instant dayAgo = tools.clock().instant().minus(JOB_MAX);
        for (Machine each : machines) {
            Machine.Protection protection = each.protection();
            Optional<Policy> policy =
                    protection.policy().flatMap(name -> Optional.ofNullable(policies.get(name)));
            if (policy.isEmpty() || protection.vault().isEmpty() || protection.since().isEmpty()) {
                continue;
            }
            if (Fleet.wouldHave(each, policies).isEmpty()) {
                add(alerts, each, "watch.unselected", policy.get().name(), each.called());
            }
            if (!policy.get().vault().equals(protection.vault().get())) {
                add(
                        alerts,
                        each,
                        "watch.other-vault",
                        policy.get().name(),
                        policy.get().vault(),
                        protection.vault().get());
            }
            Optional<Slot> due =
                    policy.get()
                            .schedule()
                            .latest(dayAgo, policy.get().name(), each.key().toString())
                            .filter(slot -> !slot.start().isBefore(protection.since().get()));
            Optional<Points.Point> newest =
                    protection.line().flatMap(line -> Optional.ofNullable(newestOf.get(line)));
            if (due.isPresent()
                    && newest.filter(point -> !point.snapshotAt().isBefore(due.get().due()))
                            .isEmpty()) {
                add(
                        alerts,
                        each,
                        "watch.no-point",
                        Moment.text(due.get().due()),
                        newest.map(point -> Moment.text(point.snapshotAt())).orElse("-"),
                        each.trouble().orElse(each.power()));
            }
        }
    }

    private void vault(String name, List<Alert> alerts) {
        vaults.trouble(name).ifPresent(why -> alerts.add(alert(name, "watch.vault-away", why)));
        List<String> alarms = vaults.alarms(name);
        if (!alarms.isEmpty()) {
            alerts.add(alert(name, "watch.vault-alarm", String.join(" ", alarms)));
        }
    }

    /// Two VMs may be called the same.
    private static void add(List<Alert> alerts, Machine machine, String code, Object... arguments) {
        Alert alert = alert(machine.place(), code, arguments);
        boolean isTaken =
                alerts.stream()
                        .anyMatch(each ->
                                each.subject().equals(alert.subject()) && each.code().equals(code));
        alerts.add(isTaken ? alert(machine.key(), code, arguments) : alert);
    }

    private static Alert alert(Object subject, String code, Object... arguments) {
        return new Alert(
                subject.toString(), code, Text.of(Watch.class, code, arguments).toString());
    }
}
