package io.stillpoint.stores.s3;

import io.stillpoint.platform.Randomness;
import io.stillpoint.stores.request.Meter;
import io.stillpoint.stores.request.RequestClass;
import io.stillpoint.stores.request.Retries;
import io.stillpoint.vault.store.ObjectName;
import io.stillpoint.vault.store.VaultException.Kind;
import java.time.Duration;
import software.amazon.awssdk.awscore.retry.AwsRetryStrategy;
import software.amazon.awssdk.core.checksums.RequestChecksumCalculation;
import software.amazon.awssdk.core.checksums.ResponseChecksumValidation;
import software.amazon.awssdk.core.exception.SdkClientException;
import software.amazon.awssdk.http.apache5.Apache5HttpClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.regions.providers.DefaultAwsRegionProviderChain;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.S3ClientBuilder;
import software.amazon.awssdk.services.s3.S3Configuration;

/// Requests to one bucket: counted, tried again, and their failures put in our terms.
final class S3Requests implements AutoCloseable {
    private static final Duration CONNECT_MAX = Duration.ofSeconds(10);

    /// Between two bytes of an answer, and for a large object to be put together.
    private static final Duration SILENCE_MAX = Duration.ofSeconds(60);

    private static final int CONNECTIONS = 64;

    private final S3Address address;
    private final S3Client client;
    private final Retries retries;
    private final S3Errors errors;
    private final Meter meter;

    /// One try of a request. Answers that are expected are values; what it throws is judged.
    @FunctionalInterface
    interface Request<T> {
        /// @param attempt from 1 on; above 1, an earlier one may have had its effect without our knowing
        T send(S3Client client, int attempt);
    }

    S3Requests(
            S3Address address,
            S3Access access,
            S3Settings settings,
            Randomness randomness,
            Meter meter) {
        this.address = address;
        this.meter = meter;
        retries = new Retries(settings.retries(), randomness);
        errors = new S3Errors(address.toString(), settings.retries().attempts());
        client = client(address, access, settings);
    }

    private static S3Client client(S3Address address, S3Access access, S3Settings settings) {
        boolean isAll = settings.checksums() == S3Settings.Checksums.WHEN_SUPPORTED;
        S3ClientBuilder builder =
                S3Client.builder()
                        .region(region(address))
                        .credentialsProvider(access.provider())
                        .requestChecksumCalculation(
                                isAll
                                        ? RequestChecksumCalculation.WHEN_SUPPORTED
                                        : RequestChecksumCalculation.WHEN_REQUIRED)
                        .responseChecksumValidation(
                                isAll
                                        ? ResponseChecksumValidation.WHEN_SUPPORTED
                                        : ResponseChecksumValidation.WHEN_REQUIRED)
                        .serviceConfiguration(
                                S3Configuration.builder()
                                        .pathStyleAccessEnabled(address.isPathStyle())
                                        // Signed chunks are what other servers get wrong most.
                                        .chunkedEncodingEnabled(isAll)
                                        .build())
                        // Trying again is ours: see Retries.
                        .overrideConfiguration(
                                all -> all.retryStrategy(AwsRetryStrategy.doNotRetry()))
                        .httpClientBuilder(
                                Apache5HttpClient.builder()
                                        .maxConnections(CONNECTIONS)
                                        .connectionTimeout(CONNECT_MAX)
                                        .socketTimeout(SILENCE_MAX)
                                        .tcpKeepAlive(true));
        if (address.endpoint() != null) {
            builder.endpointOverride(address.endpoint());
        }
        return builder.build();
    }

    private static Region region(S3Address address) {
        if (address.region() != null) {
            return Region.of(address.region());
        }
        if (address.endpoint() != null) {
            return Region.US_EAST_1;
        }
        try {
            return DefaultAwsRegionProviderChain.builder().build().getRegion();
        } catch (SdkClientException e) {
            throw S3Errors.error(Kind.LOCATION, "stores.no-region", e, address);
        }
    }

    String bucket() {
        return address.bucket();
    }

    String prefix() {
        return address.prefix();
    }

    String key(ObjectName name) {
        return address.prefix() + name;
    }

    /// What to call an object in a message.
    String place(ObjectName name) {
        return "s3://" + address.bucket() + "/" + key(name);
    }

    Meter meter() {
        return meter;
    }

    /// Sends a request until it succeeds or fails for good.
    ///
    /// @param verb what it does, in a word, and `what` to what: for messages
    <T> T call(RequestClass kind, String verb, Object what, Request<T> request) {
        return send(kind, verb, what, 0, request);
    }

    /// The same for a request that sends `bytes` of content.
    <T> T send(RequestClass kind, String verb, Object what, long bytes, Request<T> request) {
        try {
            return retries.call(
                    S3Errors::judge,
                    attempt -> {
                        meter.request(kind, bytes);
                        return request.send(client, attempt);
                    });
        } catch (RuntimeException e) {
            throw errors.translate(e, verb, what);
        }
    }

    @Override
    public void close() {
        client.close();
    }
}
