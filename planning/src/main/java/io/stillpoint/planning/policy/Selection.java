package io.stillpoint.planning.policy;

import io.stillpoint.platform.setting.NamePattern;
import java.util.List;
import java.util.Map;

/// Which VMs a policy selects: those with one of the names and all of the tags, unless their name is left out. Without
/// names and tags it selects none: its VMs are chosen by hand.
///
/// @param tags patterns of values, by the tag
/// @param without names that are left out
public record Selection(
        List<NamePattern> names, Map<String, NamePattern> tags, List<NamePattern> without) {
    /// None.
    public static final Selection BY_HAND = new Selection(List.of(), Map.of(), List.of());

    public Selection {
        names = List.copyOf(names);
        tags = Map.copyOf(tags);
        without = List.copyOf(without);
    }

    /// Whether a VM is selected.
    public boolean selects(String name, Map<String, String> itsTags) {
        if (names.isEmpty() && tags.isEmpty()) {
            return false;
        }
        boolean isNamed = names.isEmpty() || names.stream().anyMatch(each -> each.matches(name));
        boolean isTagged =
                tags.entrySet().stream()
                        .allMatch(each ->
                                itsTags.containsKey(each.getKey())
                                        && each.getValue()
                                                .matches(itsTags.getOrDefault(each.getKey(), "")));
        return isNamed && isTagged && without.stream().noneMatch(each -> each.matches(name));
    }
}
