package io.stillpoint.stores.s3;

import io.stillpoint.platform.Threads;
import io.stillpoint.stores.request.PartedUpload;
import io.stillpoint.stores.request.RequestClass;
import io.stillpoint.vault.store.ObjectName;
import io.stillpoint.vault.store.VaultException;
import io.stillpoint.vault.store.VaultException.Kind;
import java.io.ByteArrayInputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.Semaphore;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import software.amazon.awssdk.awscore.exception.AwsServiceException;
import software.amazon.awssdk.core.sync.RequestBody;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.model.CompleteMultipartUploadRequest;
import software.amazon.awssdk.services.s3.model.CompletedPart;
import software.amazon.awssdk.services.s3.model.HeadObjectResponse;
import software.amazon.awssdk.services.s3.model.PutObjectRequest;

/// An object on its way to a bucket.
///
/// Each carries a random token. If a request is tried again after its answer was lost, the server may say that the
/// name is taken: the token tells whether by ourselves.
final class S3Upload extends PartedUpload {
    private static final String TOKEN = "stillpoint-upload";
    private static final String ANY = "*";

    private final Shared shared;
    private final S3Requests requests;
    private final ObjectName name;
    private final String token;
    private final Map<Integer, CompletedPart> sent = new TreeMap<>();
    private @Nullable String uploadId;

    /// What all uploads to a bucket have in common.
    ///
    /// @param slots as many parts are on their way at once
    record Shared(
            S3Requests requests,
            S3Settings settings,
            S3Deletion deletion,
            Semaphore slots,
            Threads threads) {}

    S3Upload(Shared shared, ObjectName name, String token) {
        super(shared.settings.partSize(), shared.slots, shared.threads);
        this.shared = shared;
        requests = shared.requests;
        this.name = name;
        this.token = token;
    }

    @Override
    protected void putWhole(byte[] bytes, int length) {
        if (!isConditional()) {
            requireFree();
        }
        PutObjectRequest.Builder request =
                PutObjectRequest.builder()
                        .bucket(requests.bucket())
                        .key(requests.key(name))
                        .contentMD5(md5(bytes, length))
                        .metadata(Map.of(TOKEN, token));
        if (isConditional()) {
            request.ifNoneMatch(ANY);
        }
        Optional<String> version =
                requests.send(
                        RequestClass.PUT,
                        "write",
                        name,
                        length,
                        (client, attempt) ->
                                publish(
                                        client,
                                        attempt,
                                        () ->
                                                client.putObject(
                                                                request.build(),
                                                                body(bytes, length))
                                                        .versionId()));
        version.ifPresent(this::requireEldest);
    }

    /// Looking before writing does not hinder two writers of the same moment. Where versions are kept, the one that wrote
    /// later finds the other's version older than its own, and takes its own back.
    private void requireEldest(String version) {
        if (isConditional()) {
            return;
        }
        List<String> all = shared.deletion.versions(name);
        if (!all.isEmpty() && !all.getLast().equals(version)) {
            shared.deletion.delete(name, version);
            throw taken(null);
        }
    }

    private boolean isConditional() {
        return shared.settings.exclusion() == S3Settings.Exclusion.CONDITIONAL;
    }

    private static RequestBody body(byte[] bytes, int length) {
        return RequestBody.fromContentProvider(
                () -> new ByteArrayInputStream(bytes, 0, length),
                length,
                "application/octet-stream");
    }

    private @Nullable String md5(byte[] bytes, int length) {
        if (shared.settings.checksums() != S3Settings.Checksums.MD5) {
            return null;
        }
        try {
            MessageDigest digest = MessageDigest.getInstance("MD5");
            digest.update(bytes, 0, length);
            return Base64.getEncoder().encodeToString(digest.digest());
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError("every Java platform has MD5", e);
        }
    }

    /// Sends the request that makes the object visible and tells what a refusal means.
    ///
    /// @param request returns the version that it made, or null
    private Optional<String> publish(
            S3Client client, int attempt, Supplier<@Nullable String> request) {
        try {
            return Optional.ofNullable(request.get());
        } catch (AwsServiceException e) {
            boolean mayBeOurs = S3Errors.isTaken(e) || S3Errors.isMissing(e);
            if (mayBeOurs && attempt > 1 && isOurs(client)) {
                return Optional.empty();
            }
            if (S3Errors.isTaken(e)) {
                throw taken(e);
            }
            if (isConditional() && S3Errors.isUnknownRequest(e)) {
                throw S3Errors.error(
                        Kind.UNSUPPORTED, "stores.no-condition", e, requests.place(name));
            }
            throw e;
        }
    }

    private VaultException taken(@Nullable Throwable cause) {
        return new VaultException(Kind.EXISTS, "vault.object-exists", cause, requests.place(name));
    }

    private boolean isOurs(S3Client client) {
        HeadObjectResponse found = head(client);
        return found != null && token.equals(found.metadata().get(TOKEN));
    }

    private @Nullable HeadObjectResponse head(S3Client client) {
        try {
            return client.headObject(
                    head -> head.bucket(requests.bucket()).key(requests.key(name)));
        } catch (AwsServiceException e) {
            if (S3Errors.isMissing(e)) {
                return null;
            }
            throw e;
        }
    }

    private void requireFree() {
        boolean isFree =
                requests.call(RequestClass.GET, "find", name, (client, _) -> head(client) == null);
        if (!isFree) {
            throw taken(null);
        }
    }

    @Override
    protected void begin() {
        uploadId =
                requests.call(
                        RequestClass.PUT,
                        "write",
                        name,
                        (client, _) ->
                                client.createMultipartUpload(begun ->
                                                begun.bucket(requests.bucket())
                                                        .key(requests.key(name))
                                                        .metadata(Map.of(TOKEN, token)))
                                        .uploadId());
    }

    @Override
    protected void putPart(int number, byte[] bytes, int length) {
        String md5 = md5(bytes, length);
        String etag =
                requests.send(
                        RequestClass.PUT,
                        "write",
                        name,
                        length,
                        (client, _) ->
                                client.uploadPart(
                                                part ->
                                                        part.bucket(requests.bucket())
                                                                .key(requests.key(name))
                                                                .uploadId(uploadId)
                                                                .partNumber(number)
                                                                .contentMD5(md5),
                                                body(bytes, length))
                                        .eTag());
        synchronized (sent) {
            sent.put(number, CompletedPart.builder().partNumber(number).eTag(etag).build());
        }
    }

    @Override
    protected void complete(int count) {
        // Servers older than AWS's own rule of 2024 put parts together over an object without
        // asking.
        requireFree();
        List<CompletedPart> parts;
        synchronized (sent) {
            parts = new ArrayList<>(sent.values());
        }
        CompleteMultipartUploadRequest.Builder request =
                CompleteMultipartUploadRequest.builder()
                        .bucket(requests.bucket())
                        .key(requests.key(name))
                        .uploadId(uploadId)
                        .multipartUpload(all -> all.parts(parts));
        if (isConditional()) {
            request.ifNoneMatch(ANY);
        }
        Optional<String> version =
                requests.call(
                        RequestClass.PUT,
                        "write",
                        name,
                        (client, attempt) ->
                                publish(
                                        client,
                                        attempt,
                                        () ->
                                                client.completeMultipartUpload(request.build())
                                                        .versionId()));
        version.ifPresent(this::requireEldest);
    }

    @Override
    protected void abort() {
        requests.call(
                RequestClass.DELETE,
                "drop",
                name,
                (client, _) -> {
                    try {
                        client.abortMultipartUpload(aborted ->
                                aborted.bucket(requests.bucket())
                                        .key(requests.key(name))
                                        .uploadId(uploadId));
                    } catch (AwsServiceException e) {
                        if (!S3Errors.isMissing(e)) {
                            throw e;
                        }
                    }
                    return true;
                });
    }
}
