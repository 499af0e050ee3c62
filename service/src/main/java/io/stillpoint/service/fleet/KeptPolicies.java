package io.stillpoint.service.fleet;

import io.stillpoint.planning.policy.Policy;
import io.stillpoint.planning.policy.PolicyText;
import io.stillpoint.platform.Json;
import io.stillpoint.platform.setting.SettingsException;
import io.stillpoint.service.database.Policies;
import java.time.InstantSource;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import tools.jackson.core.JacksonException;

/// The policies of the database, read. Safe for many threads.
public final class KeptPolicies {
    private final Policies policies;
    private final InstantSource clock;

    /// What was read last under each name: the text is compared, so none is out of date.
    private final Map<String, Parsed> parsed = new ConcurrentHashMap<>();

    private volatile Map<String, String> unreadable = Map.of();

    private record Parsed(String body, Policy policy) {}

    public KeptPolicies(Policies policies, InstantSource clock) {
        this.policies = policies;
        this.clock = clock;
    }

    /// All that can be read, by name.
    public Map<String, Policy> all() {
        Map<String, Policy> all = new LinkedHashMap<>();
        Map<String, String> wrong = new LinkedHashMap<>();
        for (Policies.Kept kept : policies.all()) {
            try {
                all.put(kept.name(), read(kept));
            } catch (SettingsException | JacksonException e) {
                wrong.put(kept.name(), String.valueOf(e.getMessage()));
            }
        }
        parsed.keySet().retainAll(all.keySet());
        unreadable = Map.copyOf(wrong);
        return all;
    }

    /// Policies that could not be read when [#all] was last asked, each with the reason: written by a newer program, say.
    public Map<String, String> unreadable() {
        return unreadable;
    }

    /// The policy of this name. Throws a [SettingsException] if it can't be read.
    public Optional<Policy> find(String name) {
        return policies.find(name).map(this::read);
    }

    /// As [#find]; empty also if it can't be read.
    public Optional<Policy> findReadable(String name) {
        try {
            return find(name);
        } catch (SettingsException | JacksonException e) {
            return Optional.empty();
        }
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
