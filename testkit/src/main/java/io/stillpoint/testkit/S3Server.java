package io.stillpoint.testkit;

import io.stillpoint.platform.Randomness;
import io.stillpoint.platform.Threads;
import io.stillpoint.stores.request.Meter;
import io.stillpoint.stores.request.Prices;
import io.stillpoint.stores.request.RetryPolicy;
import io.stillpoint.stores.s3.S3Access;
import io.stillpoint.stores.s3.S3Address;
import io.stillpoint.stores.s3.S3Settings;
import io.stillpoint.stores.s3.S3Store;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import software.amazon.awssdk.core.checksums.RequestChecksumCalculation;
import software.amazon.awssdk.http.apache5.Apache5HttpClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.s3.S3Client;

/// A real S3 server on the loopback device, one for all tests of a run.
///
/// @param endpoint with the address as a number
/// @param named the same with the name `localhost`, for buckets as part of the host's name
public record S3Server(URI endpoint, URI named, S3Access.Keys keys) {
    /// Tries again soon: the server is near.
    public static final S3Settings SETTINGS =
            S3Settings.DEFAULT.with(
                    new RetryPolicy(6, Duration.ofMillis(20), Duration.ofMillis(200)));

    private static final AtomicInteger BUCKETS = new AtomicInteger();

    private static @Nullable S3Server rados;
    private static @Nullable S3Server proxy;

    private static S3Server at(int port) {
        return new S3Server(
                URI.create("http://127.0.0.1:" + port),
                URI.create("http://localhost:" + port),
                new S3Access.Keys("test", "testtesttest"));
    }

    /// Ceph's gateway (packages ceph-mon, ceph-osd, radosgw), which knows versions and object lock.
    public static synchronized S3Server rados() {
        if (rados == null) {
            RealParts.assumePrograms("ceph-mon", "ceph-osd", "radosgw");
            Path folder = ServerProcess.newFolder("radosgw");
            Path script = folder.resolve("start");
            try (InputStream text = S3Server.class.getResourceAsStream("radosgw")) {
                Files.copy(Objects.requireNonNull(text), script);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
            int port = ServerProcess.freePort();
            ServerProcess.start(
                            folder,
                            List.of(
                                    "bash",
                                    script.toString(),
                                    folder.resolve("data").toString(),
                                    Integer.toString(ServerProcess.freePort()),
                                    Integer.toString(port)))
                    .awaitLine("ready");
            rados = at(port);
        }
        return rados;
    }

    /// S3Proxy over a folder, which knows neither versions nor object lock. The build puts its program where the
    /// property `stillpoint.s3proxy` says.
    public static synchronized S3Server proxy() {
        if (proxy == null) {
            String program = System.getProperty("stillpoint.s3proxy");
            if (program == null) {
                throw new AssertionError("stillpoint.s3proxy is not set: run the test with Maven");
            }
            Path folder = ServerProcess.newFolder("s3proxy");
            int port = ServerProcess.freePort();
            ServerProcess server =
                    ServerProcess.startGuarded(
                            folder,
                            List.of(
                                    ProcessHandle.current().info().command().orElse("java"),
                                    "-Xmx256m",
                                    "-jar",
                                    program,
                                    "--properties",
                                    proxyProperties(folder, port).toString()));
            server.awaitPort(port);
            proxy = at(port);
        }
        return proxy;
    }

    private static Path proxyProperties(Path folder, int port) {
        try {
            Path data = Files.createDirectory(folder.resolve("data"));
            return Files.write(
                    folder.resolve("s3proxy.conf"),
                    List.of(
                            "s3proxy.authorization=aws-v2-or-v4",
                            "s3proxy.identity=test",
                            "s3proxy.credential=testtesttest",
                            "s3proxy.endpoint=http://127.0.0.1:" + port,
                            "jclouds.provider=filesystem-nio2",
                            "jclouds.filesystem.basedir=" + data));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /// A client of the server itself, for what stores don't do.
    public S3Client client() {
        return S3Client.builder()
                .endpointOverride(endpoint)
                .region(Region.US_EAST_1)
                .forcePathStyle(true)
                .requestChecksumCalculation(RequestChecksumCalculation.WHEN_REQUIRED)
                .credentialsProvider(keys.provider())
                .httpClientBuilder(Apache5HttpClient.builder())
                .build();
    }

    /// Makes an empty bucket with a name of its own.
    public String newBucket() {
        return newBucket(false);
    }

    /// Makes an empty bucket that keeps versions and can lock objects.
    public String newLockedBucket() {
        return newBucket(true);
    }

    private String newBucket(boolean canLock) {
        String name = "test-" + BUCKETS.incrementAndGet();
        try (S3Client client = client()) {
            client.createBucket(bucket ->
                    bucket.bucket(name).objectLockEnabledForBucket(canLock ? true : null));
        }
        return name;
    }

    /// A store in the folder `vaults/mine` of a bucket.
    public S3Store store(String bucket) {
        return store(bucket, SETTINGS, Meter.unlimited(Prices.NONE));
    }

    public S3Store store(String bucket, S3Settings settings, Meter meter) {
        return store(new S3Address(bucket, "vaults/mine/", endpoint, null, true), settings, meter);
    }

    public S3Store store(S3Address address, S3Settings settings, Meter meter) {
        return new S3Store(
                address,
                keys,
                settings,
                new S3Store.Surroundings(
                        Randomness.secure(), InstantSource.system(), meter, Threads.ofProcess()));
    }
}
