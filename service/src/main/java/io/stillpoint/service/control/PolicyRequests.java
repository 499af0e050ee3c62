package io.stillpoint.service.control;

import io.stillpoint.planning.policy.Policy;
import io.stillpoint.planning.policy.PolicyText;
import io.stillpoint.planning.retention.RetentionPreview;
import io.stillpoint.planning.retention.RetentionPreview.Effect;
import io.stillpoint.platform.Json;
import io.stillpoint.platform.setting.SettingTree;
import io.stillpoint.service.database.Machine;
import io.stillpoint.service.fleet.FleetException;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
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
                "policy preview", ask -> policies(ask).forEach(each -> preview(each, ask)),
                "policy remove", this::remove);
    }

    private void list(Ask ask) {
        parts.policies().all().values().forEach(each -> ask.line(PolicyText.written(each)));
    }

    private void apply(Ask ask) {
        List<Policy> policies = policies(ask);
        policies.forEach(each -> preview(each, ask));
        for (Policy each : policies) {
            parts.policies().put(each);
            parts.tools().log().accept("policy " + each.name() + " was applied by " + ask.user());
        }
        parts.fleet().settle();
        parts.machines().all().forEach(each -> parts.due().accept(each.key()));
    }

    private List<Policy> policies(Ask ask) {
        List<Policy> policies =
                ask.json().path("policies").values().stream()
                        .map(each -> PolicyText.read(each, each.path("name").asString("policy")))
                        .toList();
        for (Policy each : policies) {
            if (!parts.vaults().names().contains(each.vault())) {
                throw ControlException.request(
                        "policy "
                                + each.name()
                                + ": there is no vault \""
                                + each.vault()
                                + "\""
                                + SettingTree.nearest(each.vault(), parts.vaults().names())
                                        .map(near -> ". Did you mean " + near + "?")
                                        .orElse(""));
            }
        }
        if (policies.isEmpty()) {
            throw ControlException.request("policies are missing");
        }
        return policies;
    }

    /// What applying a policy would change.
    private void preview(Policy policy, Ask ask) {
        Optional<Policy> before = parts.policies().findReadable(policy.name());
        ObjectNode line =
                Json.object()
                        .put("policy", policy.name())
                        .put(
                                "change",
                                before.isEmpty()
                                        ? "new"
                                        : before.get().equals(policy) ? "none" : "changed");
        var gets = line.putArray("selects");
        for (Machine each : parts.machines().all()) {
            if (policy.selection().selects(each.called(), each.tags())) {
                gets.add(each.place());
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
        if (!parts.policies().remove(name)) {
            throw FleetException.noPolicy(name, parts.policies().all().keySet());
        }
        parts.machines().all().stream()
                .filter(each -> each.protection().policy().filter(name::equals).isPresent())
                .forEach(each -> parts.fleet().release(each));
        parts.fleet().settle();
    }
}
