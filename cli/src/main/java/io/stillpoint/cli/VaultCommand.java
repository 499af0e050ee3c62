package io.stillpoint.cli;

import io.stillpoint.platform.ByteSize;
import io.stillpoint.platform.Json;
import io.stillpoint.platform.Randomness;
import io.stillpoint.platform.text.Printable;
import io.stillpoint.vault.Vault;
import io.stillpoint.vault.store.ObjectStore;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/// `stillpoint vault`
@Command(name = "vault", resourceBundle = "io.stillpoint.cli.messages", sortOptions = false)
final class VaultCommand {
    /// `stillpoint vault care`
    @Command(name = "care", resourceBundle = "io.stillpoint.cli.messages", sortOptions = false)
    static final class Care implements Callable<Integer> {
        @Mixin private ControlOptions control = new ControlOptions();
        @Mixin private Output output = new Output();

        @Parameters(
                index = "0",
                arity = "0..1",
                paramLabel = "NAME",
                descriptionKey = "option.vault-name")
        private @Nullable String vault;

        @Override
        public Integer call() {
            ObjectNode request = Json.object().put("do", "care run");
            if (vault != null) {
                request.put("vault", vault);
            }
            List<JsonNode> done = control.ask(request);
            ObjectNode json = Json.object();
            ArrayNode array = json.putArray("care");
            List<String> lines = new ArrayList<>();
            boolean isWell = true;
            for (JsonNode each : done) {
                array.add(each);
                isWell &= !each.has("code");
                lines.add(
                        VmCommand.moment(each, "at")
                                + "  "
                                + each.path("vault").asString("")
                                + ": "
                                + Printable.of(each.path("message").asString("")));
            }
            output.result(json, String.join("\n", lines));
            return (isWell ? ExitCode.SUCCESS : ExitCode.WARNINGS).status();
        }
    }

    @Command(name = "init", resourceBundle = "io.stillpoint.cli.messages", sortOptions = false)
    static final class Init implements Callable<Integer> {
        @Mixin private VaultOptions vaultOptions = new VaultOptions();
        @Mixin private Output output = new Output();

        @Override
        public Integer call() {
            // Before a key file is made that would belong to nothing.
            try (ObjectStore store = vaultOptions.store()) {
                Vault.requireNone(store);
            }
            vaultOptions.probe();
            KeyOptions.NewKey key = vaultOptions.key().forNewVault();
            try (Vault vault =
                    key.used(() ->
                            Vault.init(
                                    vaultOptions.store(),
                                    key.credential(),
                                    new Vault.Surroundings(
                                            Randomness.secure(),
                                            InstantSource.system(),
                                            Readiness.process())))) {
                ObjectNode json = Json.object();
                json.put("id", vault.id().toString())
                        .put("vault", vaultOptions.location().toString());
                key.describe(json);
                String made = Output.text("vault.made", vaultOptions.location());
                output.done(json, made + key.advice());
                return ExitCode.SUCCESS.status();
            }
        }
    }

    @Command(name = "info", resourceBundle = "io.stillpoint.cli.messages", sortOptions = false)
    static final class Show implements Callable<Integer> {
        @Mixin private VaultOptions vaultOptions = new VaultOptions();
        @Mixin private Output output = new Output();

        @Override
        public Integer call() {
            try (Vault vault = vaultOptions.open()) {
                Vault.Facts facts = vault.facts();
                ObjectNode json = Json.object();
                json.put("id", vault.id().toString())
                        .put("vault", vaultOptions.location().toString());
                json.put("createdAt", vault.createdAt().toString()).put("points", facts.points());
                json.put("packs", facts.packs()).put("packBytes", facts.packBytes());
                json.put("indexSegments", facts.segments());
                json.put("indexBytes", facts.segmentBytes()).put("items", facts.items());
                output.result(
                        json,
                        Output.text(
                                "vault.facts",
                                vault.id(),
                                vault.createdAt(),
                                Integer.toString(facts.points()),
                                Long.toString(facts.packs()),
                                new ByteSize(facts.packBytes()),
                                Long.toString(facts.items()),
                                Long.toString(facts.segments()),
                                new ByteSize(facts.segmentBytes())));
                return ExitCode.SUCCESS.status();
            }
        }
    }
}
