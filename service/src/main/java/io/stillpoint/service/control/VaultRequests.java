package io.stillpoint.service.control;

import io.stillpoint.platform.Json;
import java.util.Map;
import java.util.function.Consumer;

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
            int points = parts.care().catalogue().rebuild(parts.vaults().open(vault));
            ask.line(Json.object().put("vault", vault).put("points", points));
        }
        parts.fleet().settle();
        parts.machines().all().forEach(each -> parts.due().accept(each.key()));
    }
}
