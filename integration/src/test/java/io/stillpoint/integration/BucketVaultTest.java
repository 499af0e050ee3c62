package io.stillpoint.integration;

import static org.assertj.core.api.Assertions.assertThat;

import io.stillpoint.platform.ByteSize;
import io.stillpoint.testkit.AzureServer;
import io.stillpoint.testkit.Bytes;
import io.stillpoint.testkit.S3Server;
import io.stillpoint.testkit.SparseImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/// A whole vault in a bucket, by the command alone.
@Tag("stores")
@Tag("slow")
final class BucketVaultTest {
    private static final int INPUT = 3;
    private static final int IMAGE_MEBIBYTES = 80;

    @TempDir Path folder;

    private Command command(S3Server server, String location) {
        return new Command()
                .bulk()
                .environment(
                        Map.of(
                                "STILLPOINT_VAULT",
                                location,
                                "AZURE_STORAGE_KEY",
                                AzureServer.KEY,
                                "STILLPOINT_KEY_FILE",
                                folder.resolve("key").toString(),
                                "STILLPOINT_S3_ACCESS_KEY",
                                server.keys().accessKey(),
                                "STILLPOINT_S3_SECRET_KEY",
                                server.keys().secretKey(),
                                "XDG_CACHE_HOME",
                                folder.resolve("xdg").toString()));
    }

    private static Command.Result succeed(Command command, String... arguments) {
        Command.Result result = command.run(arguments);
        assertThat(result.status()).as(result.out() + result.err()).isEqualTo(0);
        return result;
    }

    private void roundTrip(S3Server server) throws IOException {
        roundTrip(server, "s3://" + server.newBucket() + "/one?endpoint=" + server.endpoint());
    }

    private void roundTrip(S3Server server, String place) throws IOException {
        String location = place + "&price-put=0.005";
        Command command = command(server, location);
        SparseImage image = SparseImage.create(folder.resolve("disk.raw"), new ByteSize(200 << 20));
        for (int i = 0; i < IMAGE_MEBIBYTES; i += 5) {
            image.write((long) i << 20, Bytes.RANDOM, 5 << 20, i);
        }
        String made = succeed(command, "vault", "init").out();
        assertThat(made).contains(location);
        assertThat(command.run("vault", "init").status()).isEqualTo(INPUT);

        String[] backup = CommandVault.backupOf(image.file());
        JsonNode first = succeed(command, backup).json();
        JsonNode usage = first.path("store");
        assertThat(usage.path("bytesUp").asLong()).isGreaterThan(IMAGE_MEBIBYTES << 20);
        assertThat(usage.path("cost").asDouble()).isGreaterThan(0.00005).isLessThan(0.001);

        image.write(90L << 20, Bytes.TEXT, 1 << 20, 99);
        String said =
                succeed(command, "backup", "--vm", "vm", "--image", image.file().toString()).out();
        assertThat(said).containsPattern("Store: \\d+ puts, \\d+ gets, .* up, .* down: 0\\.00");

        assertThat(succeed(command, "points", "--json").json().path("points")).hasSize(2);
        Path restored = folder.resolve("restored.raw");
        JsonNode second = succeed(command, "points", "--json").json().path("points").get(1);
        succeed(
                command,
                "restore",
                "--point",
                second.path("id").asString(),
                "--to",
                restored.toString());
        assertThat(Files.mismatch(image.file(), restored)).isEqualTo(-1);
        Files.delete(restored);
        JsonNode found = succeed(command, "vault", "verify", "--json").json();
        assertThat(found.path("sound").asBoolean()).isTrue();
        assertThat(found.path("points").asInt()).isEqualTo(2);

        Path copies = folder.resolve("xdg/stillpoint/vaults");
        try (Stream<Path> files = Files.walk(copies)) {
            assertThat(files.filter(Files::isRegularFile)).hasSizeGreaterThanOrEqualTo(3);
        }
        Command.Result capped = command.run("vault", "verify", "--json", "--max-transfer", "10M");
        assertThat(capped.status()).isEqualTo(INPUT);
        assertThat(capped.json().path("error").path("code").asString()).isEqualTo("stores.budget");
    }

    @Test
    void onCephEverythingGoesAsInAFolder() throws IOException {
        roundTrip(S3Server.rados());
    }

    @Test
    void onS3ProxyEverythingGoesAsInAFolder() throws IOException {
        roundTrip(S3Server.proxy());
    }

    @Test
    void onAzuriteEverythingGoesAsInAFolder() throws IOException {
        AzureServer server = AzureServer.azurite();
        roundTrip(
                S3Server.proxy(),
                "azure://"
                        + AzureServer.ACCOUNT
                        + "/"
                        + server.newContainer()
                        + "/one?endpoint="
                        + server.endpoint());
    }

    @Test
    void aBucketThatWouldNotProtectTheVaultIsRefusedBeforeAnythingIsMade() {
        S3Server server = S3Server.rados();
        String location = "s3://" + server.newLockedBucket() + "?endpoint=" + server.endpoint();
        Command.Result refused = command(server, location).run("vault", "init", "--json");
        assertThat(refused.status()).as(refused.out() + refused.err()).isEqualTo(INPUT);
        assertThat(refused.json().path("error").path("code").asString())
                .isEqualTo("stores.replaces");
        assertThat(folder.resolve("key")).doesNotExist();
        succeed(command(server, location + "&exclusive=check-first"), "vault", "init");
    }

    @Test
    void mistakesAreExplained() {
        S3Server server = S3Server.rados();
        Command.Result missing =
                command(server, "s3://no-such-bucket?endpoint=" + server.endpoint())
                        .run("vault", "init");
        assertThat(missing.status()).isEqualTo(INPUT);
        assertThat(missing.err()).contains("There is no such bucket").doesNotContain("\tat ");
        Command.Result unknown = command(server, "s3://bucket?regoin=x").run("points");
        assertThat(unknown.status()).isEqualTo(INPUT);
        assertThat(unknown.err()).contains("regoin").contains("region");
    }
}
