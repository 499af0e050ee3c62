package io.stillpoint.service.fleet;

import io.stillpoint.planning.policy.Policy;
import io.stillpoint.planning.policy.PolicyText;
import io.stillpoint.platform.Json;
import io.stillpoint.service.database.Policies;
import java.time.InstantSource;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;

/// The policies of the database, read. Safe for many threads.
public final class KeptPolicies {
    private final Policies policies;
    private final InstantSource clock;

    /// What was read last under each name: the text is compared, so none is out of date.
    private final Map<String, Parsed> parsed = new ConcurrentHashMap<>();

    private record Parsed(String body, Policy policy) {}

    public KeptPolicies(Policies policies, InstantSource clock) {
        this.policies = policies;
        this.clock = clock;
    }

    /// All, by name.
    public Map<String, Policy> all() {
        Map<String, Policy> all = new LinkedHashMap<>();
        policies.all().forEach(kept -> all.put(kept.name(), read(kept)));
        parsed.keySet().retainAll(all.keySet());
        return all;
    }

    /// The policy of this name.
    public Optional<Policy> find(String name) {
        return policies.find(name).map(this::read);
    }

    private Policy read(Policies.Kept kept) {
        Parsed known = parsed.get(kept.name());
        if (known == null || !known.body().equals(kept.body())) {
            known =
                    new Parsed(
                            kept.body(),
                            PolicyText.read(Json.parse(kept.body()), "policy " + kept.name()));
            parsed.put(kept.name(), known);
        }
        return known.policy();
    }

    /// Adds a policy, or replaces the one of its name.
    public void put(Policy policy) {
        policies.put(policy.name(), PolicyText.written(policy).toString(), clock.instant());
    }

    /// Removes a policy. Returns whether there was one.
    public boolean remove(String name) {
        return policies.remove(name);
    }
}
