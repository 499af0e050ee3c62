package io.stillpoint.service.control;

import io.stillpoint.planning.policy.Policy;
import io.stillpoint.planning.policy.PolicyText;
import io.stillpoint.planning.retention.RetentionPreview;
import io.stillpoint.planning.retention.RetentionPreview.Effect;
import io.stillpoint.platform.Json;
import io.stillpoint.service.database.Machine;
import io.stillpoint.service.fleet.Fleet;
import io.stillpoint.service.fleet.FleetException;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import tools.jackson.databind.node.ObjectNode;

/// The policies, and what a change of one would do.
final class PolicyRequests {
    private final Requests.Parts parts;

    PolicyRequests(Requests.Parts parts) {
        this.parts = parts;
    }

    /// Each by its word.
    Map<String, Consumer<Ask>> known() {
        return Map.of(
                "policy list", this::list,
                "policy apply", this::apply,
                "policy preview", this::preview,
                "policy remove", this::remove);
    }

    private void list(Ask ask) {
        parts.policies().all().values().forEach(each -> ask.line(PolicyText.written(each)));
    }

    private void apply(Ask ask) {
        List<Policy> policies = policies(ask);
        Map<String, Policy> after = with(policies);
        requireConsent(ask, unprotected(after));
        preview(ask, policies, after);
        for (Policy each : policies) {
            parts.policies().put(each);
            log("policy " + each.name() + " was applied by " + ask.user());
        }
        settle();
    }

    private void preview(Ask ask) {
        List<Policy> policies = policies(ask);
        preview(ask, policies, with(policies));
    }

    private void settle() {
        parts.fleet().settle();
        parts.machines().all().forEach(each -> parts.due().accept(each.key()));
    }

    private void log(String line) {
        parts.tools().log().accept(line);
    }

    private Map<String, Policy> with(List<Policy> changed) {
        Map<String, Policy> after = new LinkedHashMap<>(parts.policies().all());
        changed.forEach(each -> after.put(each.name(), each));
        return after;
    }

    /// The VMs that would not be backed up any more.
    private List<String> unprotected(Map<String, Policy> after) {
        return parts.machines().all().stream()
                .filter(each -> each.protection().policy().isPresent())
                .filter(each -> Fleet.wouldHave(each, after).isEmpty())
                .map(Machine::place)
                .toList();
    }

    private static void requireConsent(Ask ask, List<String> unprotected) {
        if (!unprotected.isEmpty() && !ask.isConfirmed()) {
            throw FleetException.wouldEnd(unprotected);
        }
    }

    private List<Policy> policies(Ask ask) {
        List<Policy> policies =
                ask.json().path("policies").values().stream()
                        .map(each -> PolicyText.read(each, each.path("name").asString("policy")))
                        .toList();
        for (Policy each : policies) {
            if (!parts.vaults().names().contains(each.vault())) {
                throw FleetException.noVault(each.name(), each.vault(), parts.vaults().names());
            }
        }
        if (policies.isEmpty()) {
            throw ControlException.wrong("There is no policy in what was given.");
        }
        Set<String> names = new HashSet<>();
        for (Policy each : policies) {
            if (!names.add(each.name())) {
                throw ControlException.wrong(
                        "There are two policies called " + each.name() + " in what was given.");
            }
        }
        return policies;
    }

    /// With the name by which policies know it, where it is another one, and with its id where others are called the same.
    private static String label(Machine machine, List<Machine> all) {
        boolean isShared =
                all.stream().filter(each -> each.place().equals(machine.place())).count() > 1;
        return machine.place()
                + (machine.called().equals(machine.shown())
                        ? ""
                        : " (now " + machine.called() + ")")
                + (isShared ? " [" + machine.key().id() + "]" : "");
    }

    /// What applying policies would change.
    private void preview(Ask ask, List<Policy> policies, Map<String, Policy> after) {
        for (Policy policy : policies) {
            Optional<Policy> before = parts.policies().findReadable(policy.name());
            ObjectNode line = Json.object().put("policy", policy.name());
            line.put(
                    "change",
                    before.isEmpty() ? "new" : before.get().equals(policy) ? "none" : "changed");
            var keys = line.putArray("keys");
            before.ifPresent(old ->
                    Differences.of(PolicyText.written(old), PolicyText.written(policy))
                            .forEach(keys::add));
            var selects = line.putArray("selects");
            var gains = line.putArray("gains");
            var loses = line.putArray("loses");
            List<Machine> all = parts.machines().all();
            for (Machine each : all) {
                if (policy.selection().selects(each.called(), each.tags())) {
                    selects.add(label(each, all));
                }
                boolean had = each.protection().policy().filter(policy.name()::equals).isPresent();
                boolean has =
                        Fleet.wouldHave(each, after).filter(policy.name()::equals).isPresent();
                if (has && !had) {
                    gains.add(label(each, all));
                } else if (had && !has) {
                    loses.add(label(each, all));
                }
            }
            ask.line(line);
            before.ifPresent(old ->
                    parts.machines().all().stream()
                            .filter(each ->
                                    each.protection()
                                            .policy()
                                            .filter(policy.name()::equals)
                                            .isPresent())
                            .forEach(each -> preview(each, old, policy, ask)));
        }
    }

    private void preview(Machine machine, Policy before, Policy after, Ask ask) {
        RetentionPreview preview =
                RetentionPreview.of(
                        parts.care().candidates(machine),
                        before.retention(),
                        after.retention(),
                        parts.tools().clock().instant());
        for (RetentionPreview.Change change : preview.changes()) {
            if (change.effect() == Effect.DELETED || change.effect() == Effect.SAVED) {
                ask.line(
                        Json.object()
                                .put("vm", machine.shown())
                                .put("point", change.point().id())
                                .put("snapshotAt", change.point().at().toString())
                                .put("effect", change.effect().name().toLowerCase(Locale.ROOT)));
            }
        }
    }

    private void remove(Ask ask) {
        String name = ask.required("policy");
        Map<String, Policy> after = new LinkedHashMap<>(parts.policies().all());
        boolean isKnown = after.remove(name) != null;
        if (!isKnown && !parts.policies().unreadable().containsKey(name)) {
            throw FleetException.noPolicy(name, parts.policies().all().keySet());
        }
        List<Machine> had =
                parts.machines().all().stream()
                        .filter(each -> each.protection().policy().filter(name::equals).isPresent())
                        .toList();
        requireConsent(
                ask,
                had.stream()
                        .filter(each -> Fleet.selecting(each, after).isEmpty())
                        .map(Machine::place)
                        .toList());
        boolean _ = parts.policies().remove(name);
        log("policy " + name + " was removed by " + ask.user());
        parts.fleet().release(had);
        parts.machines().all().forEach(each -> parts.due().accept(each.key()));
        for (Machine each : had) {
            ObjectNode line = Json.object().put("vm", each.place());
            parts.machines()
                    .find(each.key())
                    .flatMap(now -> now.protection().policy())
                    .ifPresent(policy -> line.put("policy", policy));
            ask.line(line);
        }
    }
}
