package io.stillpoint.service.control;

import io.stillpoint.platform.Json;
import io.stillpoint.platform.StillpointException;
import java.util.Map;
import java.util.function.Consumer;
import tools.jackson.databind.node.ObjectNode;

/// The care of the vaults, and what the database knows of their points.
final class VaultRequests {
    private final Requests.Parts parts;

    VaultRequests(Requests.Parts parts) {
        this.parts = parts;
    }

    /// Each by its word.
    Map<String, Consumer<Ask>> known() {
        return Map.of("care run", this::care, "catalog rebuild", this::rebuild);
    }

    private void care(Ask ask) {
        String vault = parts.vaults().open(ask.required("vault")).name();
        parts.care().run(vault);
    }

    private void rebuild(Ask ask) {
        for (String vault : parts.vaults().names()) {
            ObjectNode line = Json.object().put("vault", vault);
            try {
                ask.line(
                        line.put(
                                "points",
                                parts.care().catalogue().rebuild(parts.vaults().open(vault))));
            } catch (StillpointException e) {
                ask.line(line.put("trouble", e.getMessage()));
            }
        }
        parts.tools().log().accept("the catalogue was rebuilt by " + ask.user());
        parts.fleet().settle();
        parts.machines().all().forEach(each -> parts.due().accept(each.key()));
    }
}
