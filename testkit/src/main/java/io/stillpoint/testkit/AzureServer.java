package io.stillpoint.testkit;

import com.azure.storage.blob.BlobContainerClientBuilder;
import com.azure.storage.common.StorageSharedKeyCredential;
import io.stillpoint.platform.Randomness;
import io.stillpoint.platform.Threads;
import io.stillpoint.stores.azure.AzureAccess;
import io.stillpoint.stores.azure.AzureAddress;
import io.stillpoint.stores.azure.AzureSettings;
import io.stillpoint.stores.azure.AzureStore;
import io.stillpoint.stores.request.Meter;
import io.stillpoint.stores.request.Prices;
import io.stillpoint.stores.request.RetryPolicy;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/// Azurite, Microsoft's emulator of Azure's storage, on the loopback device; one for all tests of a run. Installed from
/// npm into the cache of Stillpoint at the first use on a machine.
///
/// @param endpoint without the account
public record AzureServer(URI endpoint) {
    /// The emulator's account and its key are the same everywhere, and published.
    public static final String ACCOUNT = "devstoreaccount1";

    public static final String KEY =
            "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

    /// Tries again soon: the server is near.
    public static final AzureSettings SETTINGS =
            AzureSettings.DEFAULT.with(
                    new RetryPolicy(6, Duration.ofMillis(20), Duration.ofMillis(200)));

    private static final AtomicInteger CONTAINERS = new AtomicInteger();

    private static @Nullable AzureServer server;

    public static synchronized AzureServer azurite() {
        if (server == null) {
            RealParts.assumePrograms("node", "npm");
            Path program = installed().resolve("node_modules/azurite/dist/src/blob/main.js");
            Path folder = ServerProcess.newFolder("azurite");
            int port = ServerProcess.freePort();
            ServerProcess.startGuarded(
                            folder,
                            List.of(
                                    "node",
                                    program.toString(),
                                    "--silent",
                                    "--disableTelemetry",
                                    "--inMemoryPersistence",
                                    "--skipApiVersionCheck",
                                    "--blobHost",
                                    "127.0.0.1",
                                    "--blobPort",
                                    Integer.toString(port)))
                    .awaitPort(port);
            server = new AzureServer(URI.create("http://127.0.0.1:" + port));
        }
        return server;
    }

    private static Path installed() {
        String xdg = System.getenv("XDG_CACHE_HOME");
        Path cache =
                xdg == null ? Path.of(System.getProperty("user.home"), ".cache") : Path.of(xdg);
        Path folder = cache.resolve("stillpoint/azurite");
        try {
            Files.createDirectories(folder);
            try (FileChannel channel =
                            FileChannel.open(
                                    folder.resolve("lock"),
                                    StandardOpenOption.CREATE,
                                    StandardOpenOption.WRITE);
                    FileLock lock = channel.lock()) {
                Objects.requireNonNull(lock);
                install(folder);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return folder;
    }

    /// The mark, written last, is what was installed.
    private static void install(Path folder) throws IOException {
        byte[] wanted = resource("package-lock.json");
        Path mark = folder.resolve("installed");
        if (Files.exists(mark) && java.util.Arrays.equals(Files.readAllBytes(mark), wanted)) {
            return;
        }
        Files.write(folder.resolve("package-lock.json"), wanted);
        Files.write(folder.resolve("package.json"), resource("package.json"));
        HostCommand.run(
                "npm",
                "ci",
                "--prefix",
                folder.toString(),
                "--omit=dev",
                "--ignore-scripts",
                "--no-audit",
                "--no-fund");
        Path written = Files.write(folder.resolve("installed.new"), wanted);
        Files.move(written, mark, StandardCopyOption.ATOMIC_MOVE);
    }

    private static byte[] resource(String name) throws IOException {
        try (InputStream text = AzureServer.class.getResourceAsStream("azurite/" + name)) {
            return Objects.requireNonNull(text).readAllBytes();
        }
    }

    /// Makes an empty container with a name of its own.
    public String newContainer() {
        String name = "test-" + CONTAINERS.incrementAndGet();
        new BlobContainerClientBuilder()
                .endpoint(endpoint + "/" + ACCOUNT)
                .containerName(name)
                .credential(new StorageSharedKeyCredential(ACCOUNT, KEY))
                .buildClient()
                .create();
        return name;
    }

    /// A store in the folder `vaults/mine` of a container.
    public AzureStore store(String container) {
        return store(container, new AzureAccess.Key(KEY), SETTINGS, Meter.unlimited(Prices.NONE));
    }

    public AzureStore store(
            String container, AzureAccess access, AzureSettings settings, Meter meter) {
        return new AzureStore(
                new AzureAddress(
                        ACCOUNT, URI.create(endpoint + "/" + ACCOUNT), container, "vaults/mine/"),
                access,
                settings,
                new AzureStore.Surroundings(
                        Randomness.secure(), InstantSource.system(), meter, Threads.ofProcess()));
    }
}
