package io.stillpoint.stores.azure;

import com.azure.core.http.jdk.httpclient.JdkHttpClientBuilder;
import com.azure.storage.blob.BlobContainerClient;
import com.azure.storage.blob.BlobContainerClientBuilder;
import com.azure.storage.blob.specialized.BlockBlobClient;
import com.azure.storage.common.policy.RequestRetryOptions;
import com.azure.storage.common.policy.RetryPolicyType;
import io.stillpoint.platform.Randomness;
import io.stillpoint.stores.request.Meter;
import io.stillpoint.stores.request.RequestClass;
import io.stillpoint.stores.request.Retries;
import io.stillpoint.vault.store.ObjectName;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/// Requests to one container: counted, tried again, and their failures put in our terms.
final class AzureRequests {
    private static final Duration CONNECT_MAX = Duration.ofSeconds(10);

    /// Between two bytes of an answer, and for a large object to be put together.
    private static final Duration SILENCE_MAX = Duration.ofSeconds(60);

    private final AzureAddress address;
    private final BlobContainerClient container;
    private final Retries retries;
    private final AzureErrors errors;
    private final Meter meter;

    AzureRequests(
            AzureAddress address,
            AzureAccess access,
            AzureSettings settings,
            Randomness randomness,
            Meter meter) {
        this.address = address;
        this.meter = meter;
        retries = new Retries(settings.retries(), randomness);
        errors = new AzureErrors(address.toString(), settings.retries().attempts());
        BlobContainerClientBuilder builder =
                new BlobContainerClientBuilder()
                        .endpoint(address.service().toString())
                        .containerName(address.container())
                        .httpClient(
                                new JdkHttpClientBuilder()
                                        .connectionTimeout(CONNECT_MAX)
                                        .responseTimeout(SILENCE_MAX)
                                        .readTimeout(SILENCE_MAX)
                                        .writeTimeout(SILENCE_MAX)
                                        .build())
                        // Trying again is ours: see Retries.
                        .retryOptions(
                                new RequestRetryOptions(
                                        RetryPolicyType.FIXED,
                                        1,
                                        (Duration) null,
                                        null,
                                        null,
                                        null));
        access.apply(builder, address.account());
        container = builder.buildClient();
    }

    BlobContainerClient container() {
        return container;
    }

    BlockBlobClient blob(ObjectName name) {
        return container.getBlobClient(key(name)).getBlockBlobClient();
    }

    BlockBlobClient version(ObjectName name, @Nullable String version) {
        return container.getBlobClient(key(name)).getVersionClient(version).getBlockBlobClient();
    }

    String prefix() {
        return address.prefix();
    }

    String key(ObjectName name) {
        return address.prefix() + name;
    }

    /// What to call an object in a message.
    String place(ObjectName name) {
        return address + ": " + name;
    }

    Meter meter() {
        return meter;
    }

    /// Sends a request, with `bytes` of content, until it succeeds or fails for good.
    ///
    /// @param verb what it does, in a word, and `what` to what: for messages
    <T> T send(
            RequestClass kind, String verb, Object what, long bytes, Retries.Attempt<T> request) {
        try {
            return retries.call(
                    AzureErrors::judge,
                    attempt -> {
                        meter.request(kind, bytes);
                        return request.run(attempt);
                    });
        } catch (RuntimeException e) {
            throw errors.translate(e, verb, what);
        }
    }
}
