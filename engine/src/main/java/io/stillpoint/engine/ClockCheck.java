package io.stillpoint.engine;

import io.stillpoint.platform.Json;
import io.stillpoint.platform.text.Text;
import io.stillpoint.vault.Vault;
import io.stillpoint.vault.point.Clocks;
import io.stillpoint.vault.point.RecoveryPoint;
import io.stillpoint.vault.store.VaultException;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/// Whether this host's clock can be right, judged by the store's and by the VM's points. What is found is told and noted
/// in the point, and decides nothing: points are in order by lineage.
///
/// @param clocks what they showed
/// @param findings empty if nothing speaks against the clock
public record ClockCheck(Clocks clocks, List<Finding> findings) {
    /// So many of the newest points tell how often the VM is backed up.
    private static final int RECENT = 10;

    /// A shorter time without a point is nothing to speak of.
    private static final Duration GAP_MIN = Duration.ofDays(30);

    private static final int GAP_FACTOR = 10;

    /// @param text its code is stable: `clock.host-ahead`, `clock.host-behind`, `clock.point-in-future`, `clock.long-gap`
    public record Finding(Text text) {
        public String code() {
            return text.code();
        }
    }

    public ClockCheck {
        findings = List.copyOf(findings);
    }

    /// @param oldestFirst the points of the VM that were made in this vault
    static ClockCheck of(Clocks clocks, List<RecoveryPoint> oldestFirst) {
        List<Finding> findings = new ArrayList<>();
        if (!clocks.agree()) {
            boolean isAhead = clocks.host().isAfter(clocks.store());
            findings.add(
                    finding(
                            isAhead ? "clock.host-ahead" : "clock.host-behind",
                            text(clocks.apart()),
                            clocks.host(),
                            clocks.store()));
        }
        if (!oldestFirst.isEmpty()) {
            RecoveryPoint newest = oldestFirst.getLast();
            Instant host = clocks.host();
            if (newest.snapshotAt().isAfter(host.plus(Clocks.TOLERANCE))) {
                findings.add(
                        finding(
                                "clock.point-in-future",
                                newest.id(),
                                newest.snapshotAt(),
                                text(Duration.between(host, newest.snapshotAt()))));
            }
            Duration gap = Duration.between(newest.snapshotAt(), host);
            if (gap.compareTo(GAP_MIN) > 0
                    && gap.compareTo(longest(oldestFirst).multipliedBy(GAP_FACTOR)) > 0) {
                findings.add(finding("clock.long-gap", text(gap), host));
            }
        }
        return new ClockCheck(clocks, findings);
    }

    /// As far as all points of a vault tell, of whatever VM: for what deletes by dates.
    ///
    /// @param host this machine's clock
    public static ClockCheck of(Vault vault, InstantSource host) {
        return of(
                clocks(vault, host),
                vault.points().stream()
                        .filter(point -> point.line().isEmpty())
                        .sorted(Comparator.comparing(RecoveryPoint::snapshotAt))
                        .toList());
    }

    /// A store that is full tells no time; then the points alone speak against the host's.
    private static Clocks clocks(Vault vault, InstantSource host) {
        try {
            return vault.clocks();
        } catch (VaultException e) {
            if (e.kind() != VaultException.Kind.STORE_FULL) {
                throw e;
            }
            return new Clocks(host.instant(), host.instant());
        }
    }

    /// The longest time between two points, of the newest ones.
    private static Duration longest(List<RecoveryPoint> oldestFirst) {
        List<RecoveryPoint> recent =
                oldestFirst.subList(Math.max(0, oldestFirst.size() - RECENT), oldestFirst.size());
        List<Duration> gaps = new ArrayList<>();
        for (int i = 1; i < recent.size(); i++) {
            gaps.add(
                    Duration.between(recent.get(i - 1).snapshotAt(), recent.get(i).snapshotAt())
                            .abs());
        }
        return gaps.stream().max(Comparator.naturalOrder()).orElse(Duration.ZERO);
    }

    private static Finding finding(String code, Object... arguments) {
        return new Finding(Text.of(ClockCheck.class, code, arguments));
    }

    private static Text text(Duration duration) {
        return duration.toDays() > 0
                ? Text.of(ClockCheck.class, "clock.days", Long.toString(duration.toDays()))
                : Text.of(ClockCheck.class, "clock.minutes", Long.toString(duration.toMinutes()));
    }

    /// What the point records of it.
    ObjectNode json() {
        ObjectNode json = Json.object();
        ArrayNode codes = json.putArray("findings");
        findings.forEach(finding -> codes.add(finding.code()));
        json.put("host", clocks.host().toString()).put("store", clocks.store().toString());
        return json;
    }
}
