package io.stillpoint.service.control;

import io.stillpoint.platform.Json;
import io.stillpoint.platform.StillpointException;
import io.stillpoint.service.database.Cares;
import io.stillpoint.service.vaults.Catalogue;
import java.util.Map;
import java.util.Set;
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

    /// At once, whatever the vault's window; answers with what came of each part.
    private void care(Ask ask) {
        Set<String> vaults =
                ask.optional("vault")
                        .map(name -> Set.of(parts.vaults().open(name).name()))
                        .orElseGet(parts.vaults()::names);
        for (String vault : vaults) {
            parts.tools().log().accept("vault " + vault + ": " + ask.user() + " asks for its care");
            parts.care().run(vault);
            for (Cares.Care each : parts.cares().all()) {
                if (each.vault().equals(vault)) {
                    ask.line(StatusRequests.care(each).put("vault", vault));
                }
            }
        }
    }

    private static ObjectNode chosen(Catalogue.Chosen chosen) {
        return Json.object()
                .put("host", chosen.key().host())
                .put("id", chosen.key().id().text())
                .put("vm", chosen.pointName())
                .put("policy", chosen.policy())
                .put("lastPoint", chosen.lastPoint().toString());
    }

    private void rebuild(Ask ask) {
        for (String vault : parts.vaults().names()) {
            ObjectNode line = Json.object().put("vault", vault);
            try {
                Catalogue.Rebuilt found =
                        parts.care().catalogue().rebuild(parts.vaults().open(vault));
                ask.line(line.put("points", found.points()));
                found.chosen().forEach(each -> ask.line(chosen(each)));
            } catch (StillpointException e) {
                ask.line(line.put("trouble", e.getMessage()));
            }
        }
        parts.tools().log().accept("the catalogue was rebuilt by " + ask.user());
        parts.fleet().settle();
        parts.machines().all().forEach(each -> parts.due().accept(each.key()));
    }
}
