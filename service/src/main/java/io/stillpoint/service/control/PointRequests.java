package io.stillpoint.service.control;

import io.stillpoint.planning.policy.Policy;
import io.stillpoint.planning.retention.Retention;
import io.stillpoint.planning.retention.Verdict;
import io.stillpoint.platform.Json;
import io.stillpoint.service.care.VaultCare;
import io.stillpoint.service.database.Machine;
import io.stillpoint.service.database.Points;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/// The recovery points, as the database knows them.
final class PointRequests {
    private final Requests.Parts parts;

    PointRequests(Requests.Parts parts) {
        this.parts = parts;
    }

    /// Each by its word.
    Map<String, Consumer<Ask>> known() {
        return Map.of(
                "point list", this::list,
                "point pin", this::pin,
                "point keep", this::keep,
                "point pins", this::pins);
    }

    private void list(Ask ask) {
        Machine machine = parts.machine(ask);
        List<Points.Point> points = parts.pointsOf(machine);
        Optional<Policy> policy =
                machine.protection().policy().flatMap(name -> parts.policies().findReadable(name));
        Map<String, Verdict> verdicts = new HashMap<>();
        policy.ifPresent(found ->
                Retention.judge(
                                points.stream().map(VaultCare::candidate).toList(),
                                found.retention(),
                                parts.tools().clock().instant())
                        .forEach(each -> verdicts.put(each.point().id(), each)));
        for (Points.Point each : points) {
            ObjectNode line = point(each);
            Verdict verdict = verdicts.get(each.id());
            if (verdict != null) {
                // As things stand: what the next clean-up of the vault would say.
                line.put("keptBy", policy.orElseThrow().name());
                verdict.until().ifPresent(until -> line.put("keptUntil", until.toString()));
                var why = line.putArray("why");
                verdict.reasons().forEach(reason -> why.add(reason.text().toString()));
            }
            ask.line(line);
        }
    }

    private static ObjectNode point(Points.Point point) {
        ObjectNode line =
                Json.object()
                        .put("point", point.id())
                        .put("vault", point.vault())
                        .put("vm", point.vm())
                        .put("snapshotAt", point.snapshotAt().toString())
                        .put("consistency", point.consistency())
                        .put("cause", point.cause().word());
        point.keepUntil().ifPresent(until -> line.put("keepUntil", until.toString()));
        point.pin().ifPresent(why -> line.put("pin", why));
        point.lockedUntil().ifPresent(until -> line.put("lockedUntil", until.toString()));
        return line;
    }

    private Points.Point pointOf(Ask ask) {
        Machine machine = parts.machine(ask);
        String prefix = ask.required("point");
        List<Points.Point> found =
                parts.pointsOf(machine).stream()
                        .filter(each -> each.id().startsWith(prefix))
                        .toList();
        if (found.size() != 1) {
            throw ControlException.wrong(
                    (found.isEmpty() ? "There is no point " : "More than one point begins with ")
                            + prefix
                            + ". `stillpoint point list VM` shows all.");
        }
        return found.getFirst();
    }

    private void pin(Ask ask) {
        Points.Point point = pointOf(ask);
        parts.points().pin(point.vault(), point.id(), ask.optional("reason"));
        changed(
                ask,
                point,
                ask.optional("reason").map(why -> " pins it: " + why).orElse(" takes its pin"));
    }

    private void changed(Ask ask, Points.Point point, String what) {
        parts.tools().log().accept("point " + point.id() + ": " + ask.user() + what);
        ask.line(point(parts.points().find(point.id()).orElse(point)));
    }

    /// Which of some points are pinned. Points of which nothing is known are none.
    private void pins(Ask ask) {
        for (JsonNode each : ask.json().path("points")) {
            parts.points()
                    .find(each.asString(""))
                    .flatMap(Points.Point::pin)
                    .ifPresent(pin ->
                            ask.line(
                                    Json.object().put("point", each.asString("")).put("pin", pin)));
        }
    }

    private void keep(Ask ask) {
        Points.Point point = pointOf(ask);
        parts.points()
                .keep(
                        point.vault(),
                        point.id(),
                        ask.duration("keep").map(parts.tools().clock().instant()::plus));
        changed(
                ask,
                point,
                ask.optional("keep")
                        .map(time -> " keeps it for " + time)
                        .orElse(" takes its date"));
    }
}
