package io.stillpoint.cli;

import io.stillpoint.platform.Json;
import io.stillpoint.platform.text.Moment;
import io.stillpoint.vault.Vault;
import io.stillpoint.vault.key.KeySlots;
import io.stillpoint.vault.store.ObjectId;
import io.stillpoint.vault.store.ObjectStore;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/// `stillpoint key`
@Command(name = "key", resourceBundle = "io.stillpoint.cli.messages", sortOptions = false)
final class KeyCommand {
    @Command(name = "list", resourceBundle = "io.stillpoint.cli.messages", sortOptions = false)
    static final class Listing implements Callable<Integer> {
        @Mixin private VaultOptions vaultOptions = new VaultOptions();
        @Mixin private Output output = new Output();

        @Override
        public Integer call() {
            try (Vault vault = vaultOptions.open()) {
                ObjectNode json = Json.object();
                ArrayNode slots = json.putArray("slots");
                Table table =
                        new Table(
                                Output.text("column.slot"),
                                Output.text("column.type"),
                                Output.text("column.created"),
                                Output.text("column.label"));
                for (KeySlots.Entry entry : vault.keySlots().list()) {
                    ObjectNode slot = slots.addObject();
                    slot.put("id", entry.id().toString()).put("type", word(entry.state()));
                    slot.put("label", entry.label());
                    String created = "";
                    if (entry.createdAt() != null) {
                        created = Moment.text(entry.createdAt());
                        slot.put("createdAt", entry.createdAt().toString());
                    }
                    slot.put("opener", entry.isOpener());
                    String mark = entry.isOpener() ? " " + Output.text("key.opener") : "";
                    table.add(
                            entry.id().toString().substring(0, 12),
                            word(entry.state()),
                            created,
                            entry.label() + mark);
                }
                output.result(json, table.toString());
                return ExitCode.SUCCESS.status();
            }
        }
    }

    private static String word(KeySlots.State state) {
        return switch (state) {
            case KEY_FILE -> "key-file";
            case PASSPHRASE -> "passphrase";
            case NEWER -> "newer";
            case DAMAGED -> "damaged";
        };
    }

    @Command(name = "add", resourceBundle = "io.stillpoint.cli.messages", sortOptions = false)
    static final class Add implements Callable<Integer> {
        @Mixin private VaultOptions vaultOptions = new VaultOptions();
        @Mixin private NewKeyOptions newKey = new NewKeyOptions();
        @Mixin private Output output = new Output();

        @Option(
                names = "--label",
                required = true,
                paramLabel = "TEXT",
                descriptionKey = "option.label")
        private String label = "";

        @Override
        public Integer call() {
            try (Vault vault = vaultOptions.open()) {
                KeyOptions.NewKey key = newKey.key();
                ObjectId slot = key.used(() -> vault.keySlots().add(key.credential(), label));
                ObjectNode json = Json.object();
                json.put("slot", slot.toString()).put("label", label);
                key.describe(json);
                output.done(json, Output.text("key.added", slot, label) + key.advice());
                return ExitCode.SUCCESS.status();
            }
        }
    }

    @Command(name = "change", resourceBundle = "io.stillpoint.cli.messages", sortOptions = false)
    static final class Change implements Callable<Integer> {
        @Mixin private VaultOptions vaultOptions = new VaultOptions();
        @Mixin private NewKeyOptions newKey = new NewKeyOptions();
        @Mixin private Output output = new Output();

        @Option(names = "--slot", paramLabel = "SLOT", descriptionKey = "option.change-slot")
        private @Nullable String slot;

        @Override
        public Integer call() {
            try (Vault vault = vaultOptions.open()) {
                KeySlots slots = vault.keySlots();
                KeySlots.Entry old = slots.find(slot == null ? slots.opener().toString() : slot);
                KeyOptions.NewKey key = newKey.key();
                ObjectId added =
                        key.used(() -> slots.replace(old.id(), key.credential(), old.label()));
                ObjectNode json = Json.object();
                json.put("slot", added.toString()).put("label", old.label());
                json.put("removed", old.id().toString());
                key.describe(json);
                output.done(json, Output.text("key.changed", added, old.id()) + key.advice());
                return ExitCode.SUCCESS.status();
            }
        }
    }

    @Command(name = "remove", resourceBundle = "io.stillpoint.cli.messages", sortOptions = false)
    static final class Remove implements Callable<Integer> {
        @Mixin private VaultOptions vaultOptions = new VaultOptions();
        @Mixin private Output output = new Output();

        @Parameters(index = "0", paramLabel = "SLOT", descriptionKey = "option.slot")
        private String slot = "";

        @Option(names = "--force", descriptionKey = "option.force-opener")
        private boolean force;

        @Override
        public Integer call() {
            try (Vault vault = vaultOptions.open()) {
                KeySlots.Entry entry = vault.keySlots().find(slot);
                vault.keySlots().remove(entry.id(), force);
                output.done(
                        Json.object().put("removed", entry.id().toString()),
                        Output.text("key.removed", entry.id(), entry.label()));
                return ExitCode.SUCCESS.status();
            }
        }
    }

    @Command(name = "check", resourceBundle = "io.stillpoint.cli.messages", sortOptions = false)
    static final class Check implements Callable<Integer> {
        @Mixin private VaultOptions vaultOptions = new VaultOptions();
        @Mixin private Output output = new Output();

        @Override
        public Integer call() {
            KeySlots.Fit fit;
            try (ObjectStore store = vaultOptions.store()) {
                fit = KeySlots.check(store, vaultOptions.key().credential());
            }
            String type =
                    switch (fit.type()) {
                        case KEY_FILE -> word(KeySlots.State.KEY_FILE);
                        case PASSPHRASE -> word(KeySlots.State.PASSPHRASE);
                    };
            ObjectNode json = Json.object();
            json.put("vault", fit.vault().toString()).put("slot", fit.slot().toString());
            json.put("type", type).put("label", fit.label());
            output.result(json, Output.text("key.fits", fit.vault(), fit.slot(), fit.label()));
            return ExitCode.SUCCESS.status();
        }
    }
}
