package io.stillpoint.service.vaults;

import io.stillpoint.hypervisor.VmId;
import io.stillpoint.hypervisor.VmIdentity;
import io.stillpoint.platform.ByteSize;
import io.stillpoint.platform.text.Text;
import io.stillpoint.service.base.Tools;
import io.stillpoint.service.database.Cause;
import io.stillpoint.service.database.Machine;
import io.stillpoint.service.database.Machine.Protection;
import io.stillpoint.service.database.Machines;
import io.stillpoint.service.database.Points;
import io.stillpoint.service.database.VmKey;
import io.stillpoint.vault.point.RecoveryPoint;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import tools.jackson.databind.JsonNode;

/// Reads what the database knows of recovery points, and of the VMs that they are of, from the vaults.
public final class Catalogue {
    /// A later date is no date: it is beyond what the database keeps.
    private static final Instant LATEST = Instant.parse("9999-12-31T00:00:00Z");

    private final Machines machines;
    private final Points points;
    private final Tools tools;

    public Catalogue(Machines machines, Points points, Tools tools) {
        this.machines = machines;
        this.points = points;
        this.tools = tools;
    }

    /// Makes the database's points of a vault those that the vault has. Returns how many there are.
    public int read(Vaults.Opened opened) {
        return read(opened, points.ids(opened.name()), opened.vault().points()).size();
    }

    /// As [#read], of one VM alone.
    public void read(Vaults.Opened opened, String vm) {
        List<RecoveryPoint> _ =
                read(opened, points.ids(opened.name(), vm), opened.vault().points(vm));
    }

    /// @param before what the database had before the vault was asked: a point that a job makes meanwhile stays
    private List<RecoveryPoint> read(
            Vaults.Opened opened, Set<String> before, List<RecoveryPoint> found) {
        points.replace(
                opened.name(),
                before,
                found.stream().map(point -> row(opened.name(), point)).toList());
        return found;
    }

    /// What a vault told.
    ///
    /// @param points how many it has
    /// @param chosen the VMs that have a policy again because somebody had chosen it by hand when their last point was made
    public record Rebuilt(int points, List<Chosen> chosen) {}

    /// A VM that is protected again. Whether somebody has stopped that since, no point tells.
    ///
    /// @param lastPoint when it was taken
    public record Chosen(VmKey key, String pointName, String policy, Instant lastPoint) {}

    /// As [#read], and lets each VM of which the vault has points go on with them, if the database does not know of any: with
    /// their name, and with the policy that it had.
    public Rebuilt rebuild(Vaults.Opened opened) {
        List<RecoveryPoint> found =
                read(opened, points.ids(opened.name()), opened.vault().points());
        Map<String, RecoveryPoint> newest = new HashMap<>();
        for (RecoveryPoint point : found) {
            newest.merge(
                    point.vm(),
                    point,
                    (one, other) ->
                            one.lineage().ordinal() > other.lineage().ordinal() ? one : other);
        }
        Map<VmId, List<VmKey>> known =
                machines.all().stream().map(Machine::key).collect(Collectors.groupingBy(VmKey::id));
        List<Chosen> chosen = new ArrayList<>();
        for (RecoveryPoint point : newest.values()) {
            machine(point)
                    .flatMap(
                            id -> bind(opened.name(), point, id, known.getOrDefault(id, List.of())))
                    .ifPresent(chosen::add);
        }
        chosen.sort(Comparator.comparing(Chosen::pointName));
        return new Rebuilt(found.size(), chosen);
    }

    /// Which of two VMs of one id it would be, nobody can tell.
    private Optional<Chosen> bind(String vault, RecoveryPoint point, VmId id, List<VmKey> known) {
        JsonNode origin = point.configuration().path("origin");
        if (known.size() == 1) {
            return bind(known.getFirst(), vault, point, origin);
        }
        if (known.isEmpty() && origin.has("host")) {
            VmKey key = new VmKey(origin.path("host").asString(""), id);
            machines.add(
                    key,
                    Text.of(Catalogue.class, "vaults.known-from-points", vault).toString(),
                    tools.clock().instant());
            return bind(key, vault, point, origin);
        }
        return Optional.empty();
    }

    /// Nothing was stored under the name that it has.
    private boolean isFree(Protection protection) {
        return protection.pointName().isEmpty()
                || points.newest(protection.vault().orElse(""), protection.pointName().get())
                        .isEmpty();
    }

    private Optional<Chosen> bind(VmKey key, String vault, RecoveryPoint point, JsonNode origin) {
        boolean isDone =
                machines.change(
                        key, now -> isFree(now) ? bound(now, vault, point.vm(), origin) : now);
        if (!isDone) {
            return Optional.empty();
        }
        tools.log().accept(key + ": its points in vault " + vault + ": " + point.vm());
        return machines.find(key)
                .map(Machine::protection)
                .filter(Protection::byHand)
                .flatMap(Protection::policy)
                .map(policy -> new Chosen(key, point.vm(), policy, point.snapshotAt()));
    }

    private Protection bound(Protection now, String vault, String pointName, JsonNode origin) {
        boolean isByHand = now.byHand() || origin.path("byHand").asBoolean(false);
        Optional<String> policy =
                now.policy()
                        .or(() ->
                                Optional.of(origin.path("policy").asString(""))
                                        .filter(each -> isByHand && !each.isEmpty()));
        return new Protection(
                policy,
                isByHand,
                Optional.of(pointName),
                Optional.of(vault),
                policy.isPresent()
                        ? now.since().or(() -> Optional.of(tools.clock().instant()))
                        : Optional.empty());
    }

    /// Which VM of a host a point is of.
    public static Optional<VmId> machine(RecoveryPoint point) {
        String noted = point.configuration().path("origin").path("machine").asString("");
        try {
            return noted.isEmpty()
                    ? VmIdentity.in(point.configuration())
                            .filter(each -> !each.uuid().isEmpty())
                            .map(VmId::of)
                    : Optional.of(new VmId(noted));
        } catch (IllegalArgumentException e) {
            // Another program wrote it.
            return Optional.empty();
        }
    }

    /// One that can't be read is none: the point stays until somebody deletes it.
    private static Optional<Instant> keepUntil(JsonNode origin) {
        try {
            return Optional.of(origin.path("keepUntil").asString(""))
                    .filter(each -> !each.isEmpty())
                    .map(Instant::parse)
                    .filter(LATEST::isAfter);
        } catch (DateTimeException e) {
            return Optional.empty();
        }
    }

    /// A point that no job of a service made stays until somebody deletes it.
    public static Points.Point row(String vault, RecoveryPoint point) {
        JsonNode origin = point.configuration().path("origin");
        boolean isScheduled = origin.path("cause").asString("").equals(Cause.SCHEDULE.word());
        return new Points.Point(
                vault,
                point.id().toString(),
                point.vm(),
                machine(point).map(VmId::text).orElse(""),
                point.lineage().ordinal(),
                point.snapshotAt(),
                point.consistency().word(),
                isScheduled ? Cause.SCHEDULE : Cause.DEMAND,
                new ByteSize(point.size()),
                keepUntil(origin),
                Optional.empty(),
                point.lockedUntil());
    }
}
