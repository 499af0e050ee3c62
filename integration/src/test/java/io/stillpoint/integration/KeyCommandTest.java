package io.stillpoint.integration;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/// `stillpoint key` as people and scripts use it.
final class KeyCommandTest {
    private static final int USAGE = 2;
    private static final int INPUT = 3;
    private static final int DAMAGE = 5;
    private static final String WORDS = "four words are enough";

    @TempDir Path folder;
    private CommandVault vault;
    private Path image;

    @BeforeEach
    void makeVault() throws IOException {
        vault = CommandVault.make(folder);
        image = Files.writeString(folder.resolve("disk.raw"), "content".repeat(1000));
    }

    private Command.Result run(Map<String, String> environment, String... arguments) {
        Map<String, String> all = new HashMap<>(environment);
        all.put("STILLPOINT_VAULT", vault.vault().toString());
        return new Command().environment(all).run(arguments);
    }

    private Command.Result byWords(String words, String... arguments) {
        return run(Map.of("STILLPOINT_PASSPHRASE", words), arguments);
    }

    private void requireFailure(Command.Result result, int status, String code) {
        assertThat(result.status()).as(result.out() + result.err()).isEqualTo(status);
        assertThat(result.json().path("error").path("code").asString()).isEqualTo(code);
        assertThat(result.out() + result.err()).doesNotContain("{0}", "\tat ");
    }

    private List<String> slots() {
        List<String> slots = new ArrayList<>();
        for (JsonNode slot : vault.succeed("key", "list", "--json").json().path("slots")) {
            slots.add(slot.path("type").asString() + " " + slot.path("label").asString());
        }
        return slots;
    }

    private Path wordsFile(String words) throws IOException {
        Path file = folder.resolve("words");
        Files.deleteIfExists(file);
        Files.createFile(
                file,
                PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
        return Files.writeString(file, words + "\n");
    }

    private String addWords(String words) throws IOException {
        return vault.succeed(
                        "key",
                        "add",
                        "--label",
                        "Anna",
                        "--new-passphrase-file",
                        wordsFile(words).toString(),
                        "--json")
                .json()
                .path("slot")
                .asString();
    }

    @Test
    void aPassphraseDoesWhatAKeyFileDoes() throws IOException {
        addWords(WORDS);
        assertThat(slots()).containsExactly("key-file first", "passphrase Anna");
        Command.Result backup = byWords(WORDS, CommandVault.backupOf(image));
        assertThat(backup.status()).as(backup.err()).isZero();
        vault.requireRestores(backup.json(), image);
        Path file = folder.resolve("words");
        assertThat(run(Map.of(), "points", "--passphrase-file", file.toString()).out())
                .contains(backup.json().path("id").asString().substring(0, 12));
        assertThat(vault.succeed("key", "list").out()).contains("Anna", "first (given)");
    }

    @Test
    void aVaultMadeWithAPassphraseNeedsNoKeyFile() {
        Path other = folder.resolve("other");
        Map<String, String> environment =
                Map.of("STILLPOINT_PASSPHRASE", WORDS, "STILLPOINT_KEY_FILE", "/nonexistent/key");
        String[] init = {"vault", "init", "--vault", other.toString(), "--passphrase", "--json"};
        Command.Result made = run(environment, init);
        assertThat(made.status()).as(made.err()).isZero();
        assertThat(made.json().path("newKeyFile").asBoolean()).isFalse();
        assertThat(made.json().has("keyFile")).isFalse();
        Command.Result check =
                byWords(WORDS, "key", "check", "--vault", other.toString(), "--json");
        assertThat(check.json().path("vault")).isEqualTo(made.json().path("id"));
        assertThat(check.json().path("type").asString()).isEqualTo("passphrase");
        requireFailure(
                run(
                        Map.of("STILLPOINT_PASSPHRASE", "short"),
                        "vault",
                        "init",
                        "--vault",
                        folder.resolve("third").toString(),
                        "--json"),
                INPUT,
                "vault.passphrase-short");
        assertThat(folder.resolve("third/vault")).doesNotExist();
    }

    @Test
    void aWrongKeyIsToldFromNoneAndFromDamage() throws IOException {
        requireFailure(byWords(WORDS, "key", "check", "--json"), INPUT, "vault.no-passphrase-slot");
        String slot = addWords(WORDS);
        assertThat(byWords(WORDS, "key", "check").out()).contains(slot, "Anna");
        requireFailure(
                byWords("four other words", "key", "check", "--json"),
                INPUT,
                "vault.wrong-passphrase");
        Path file = vault.vault().resolve("keys").resolve(slot);
        byte[] bytes = Files.readAllBytes(file);
        bytes[80] ^= 1;
        Files.write(file, bytes);
        requireFailure(byWords(WORDS, "key", "check", "--json"), DAMAGE, "vault.slot-damaged");
        assertThat(slots()).containsExactly("key-file first", "damaged ");
        Command.Result none = run(Map.of(), "key", "check");
        assertThat(none.status()).isEqualTo(USAGE);
        assertThat(none.err()).contains("--key-file", "--passphrase", "Try: stillpoint help");
        requireFailure(
                run(Map.of(), "key", "check", "--passphrase", "--json"),
                INPUT,
                "passphrase.no-terminal");
    }

    @Test
    void twoKeysAtOnceAreAUsageError() throws IOException {
        Command.Result both =
                run(
                        Map.of(),
                        "points",
                        "--key-file",
                        vault.key().toString(),
                        "--passphrase-file",
                        wordsFile(WORDS).toString());
        assertThat(both.status()).isEqualTo(USAGE);
        assertThat(vault.run("key", "add", "--label", "x").status()).isEqualTo(USAGE);
    }

    @Test
    void aChangedPassphraseOpensAndTheOldOneDoesNot() throws IOException {
        addWords(WORDS);
        Command.Result changed =
                run(
                        Map.of(
                                "STILLPOINT_PASSPHRASE",
                                WORDS,
                                "STILLPOINT_NEW_PASSPHRASE",
                                "five other words are better"),
                        "key",
                        "change",
                        "--new-passphrase",
                        "--json");
        assertThat(changed.status()).as(changed.err()).isZero();
        assertThat(changed.json().path("label").asString()).isEqualTo("Anna");
        requireFailure(byWords(WORDS, "key", "check", "--json"), INPUT, "vault.wrong-passphrase");
        assertThat(byWords("five other words are better", "key", "check").status()).isZero();
        assertThat(slots()).containsExactly("key-file first", "passphrase Anna");
    }

    @Test
    void neitherTheLastKeyNorTheGivenOneIsRemovedByMistake() throws IOException {
        String first = vault.succeed("key", "check", "--json").json().path("slot").asString();
        requireFailure(
                vault.run("key", "remove", first, "--force", "--json"), INPUT, "vault.last-slot");
        String words = addWords(WORDS);
        requireFailure(vault.run("key", "remove", first, "--json"), INPUT, "vault.opener-slot");
        requireFailure(vault.run("key", "remove", "zz", "--json"), INPUT, "vault.no-such-slot");
        vault.succeed("key", "remove", words.substring(0, 12));
        assertThat(slots()).containsExactly("key-file first");
        requireFailure(byWords(WORDS, "key", "check", "--json"), INPUT, "vault.no-passphrase-slot");
    }

    @Test
    void aKeyFileThatGetsNoSlotIsNotLeftBehind() {
        Path second = folder.resolve("second");
        requireFailure(
                vault.run(
                        "key",
                        "add",
                        "--label",
                        "x".repeat(65),
                        "--new-key-file",
                        second.toString(),
                        "--json"),
                INPUT,
                "vault.slot-label");
        assertThat(second).doesNotExist();
        vault.succeed("key", "add", "--label", "x", "--new-key-file", second.toString());
        assertThat(run(Map.of(), "key", "check", "--key-file", second.toString()).status())
                .isZero();
    }

    @Test
    void aKeyComesBackFromPaper() throws IOException {
        Path sheet = folder.resolve("sheet.txt");
        JsonNode written = vault.succeed("key", "sheet", "--to", sheet.toString(), "--json").json();
        String slot = written.path("slot").asString();
        assertThat(Files.getPosixFilePermissions(sheet)).hasSize(2);
        String text = Files.readString(sheet);
        String id = vault.succeed("key", "check", "--json").json().path("vault").asString();
        assertThat(text).contains(id, slot, vault.vault().toString(), "recovery sheet");
        requireFailure(
                vault.run("key", "sheet", "--to", sheet.toString(), "--json"),
                INPUT,
                "vault.key-file-exists");
        assertThat(slots()).containsExactly("key-file first", "key-file recovery sheet");

        Path typed = folder.resolve("typed.txt");
        Path key = folder.resolve("recovered");
        String[] recover = {
            "key", "recover", "--sheet", typed.toString(), "--to", key.toString(), "--json"
        };
        int third = text.indexOf("    3  ") + 7;
        char other = text.charAt(third) == '7' ? '8' : '7';
        Files.writeString(typed, text.substring(0, third) + other + text.substring(third + 1));
        Command.Result mistyped = vault.run(recover);
        requireFailure(mistyped, INPUT, "vault.sheet-mistyped");
        assertThat(mistyped.out()).contains("line 3");
        assertThat(key).doesNotExist();

        Files.writeString(typed, text);
        vault.succeed(recover);
        Command.Result check =
                run(Map.of(), "key", "check", "--key-file", key.toString(), "--json");
        assertThat(check.json().path("slot").asString()).isEqualTo(slot);
        vault.succeed("key", "remove", slot);
        requireFailure(
                run(Map.of(), "key", "check", "--key-file", key.toString(), "--json"),
                INPUT,
                "vault.wrong-key");
    }

    @Test
    void aSheetForTheBrowserIsOnePageAndEscaped() throws IOException {
        Path sheet = folder.resolve("sheet.html");
        vault.succeed("key", "sheet", "--to", sheet.toString(), "--label", "<b>safe & sound");
        String page = Files.readString(sheet);
        assertThat(page)
                .startsWith("<!DOCTYPE html>")
                .contains("&lt;b&gt;safe &amp; sound")
                .doesNotContain("<b>", "http", "src=");
        String lines = page.substring(page.indexOf("class=\"key\">") + 12);
        Path typed = Files.writeString(folder.resolve("typed"), lines.replace("</pre>", "\n"));
        vault.succeed(
                "key",
                "recover",
                "--sheet",
                typed.toString(),
                "--to",
                folder.resolve("recovered").toString());
    }

    @Test
    void secretsAreNeverPrinted() throws IOException {
        addWords(WORDS);
        Command.Result wrong = byWords("a secret typo of words", "points");
        assertThat(wrong.out() + wrong.err()).doesNotContain("typo");
        Path sheet = folder.resolve("sheet.txt");
        String said = vault.succeed("key", "sheet", "--to", sheet.toString(), "--json").out();
        String secret =
                Files.readString(sheet)
                        .lines()
                        .filter(line -> line.startsWith("    1"))
                        .findFirst()
                        .orElseThrow()
                        .substring(7, 26);
        assertThat(said).doesNotContain(secret);
    }
}
