package io.stillpoint.stores.s3;

import io.stillpoint.platform.Randomness;
import io.stillpoint.platform.Threads;
import io.stillpoint.stores.request.Meter;
import io.stillpoint.stores.request.RequestClass;
import io.stillpoint.vault.store.ObjectId;
import io.stillpoint.vault.store.ObjectName;
import io.stillpoint.vault.store.ObjectName.Area;
import io.stillpoint.vault.store.ObjectStore;
import io.stillpoint.vault.store.VaultException;
import io.stillpoint.vault.store.VaultException.Kind;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import software.amazon.awssdk.awscore.exception.AwsServiceException;
import software.amazon.awssdk.core.sync.RequestBody;
import software.amazon.awssdk.services.s3.model.ListMultipartUploadsResponse;
import software.amazon.awssdk.services.s3.model.ListObjectsV2Request;
import software.amazon.awssdk.services.s3.model.ListObjectsV2Response;
import software.amazon.awssdk.services.s3.model.MultipartUpload;
import software.amazon.awssdk.services.s3.model.S3Object;

/// Objects in a bucket of S3 or a server that speaks its protocol.
///
/// An object is stored by one conditional request, or in parts that a conditional request puts together: it appears whole
/// or not at all, and never in another's place. Reads are of exact ranges. What fails for a passing reason is tried
/// again ([io.stillpoint.stores.request.Retries]); what a dead writer left unfinished is dropped after two days by others.
public final class S3Store implements ObjectStore {
    private static final Duration ABANDONED = Duration.ofDays(2);

    /// In processes that live long.
    private static final Duration SWEEP_EVERY = Duration.ofDays(1);

    /// Of a thousand uploads each. What lies behind them is for the next sweep, which no longer meets these.
    private static final int SWEEP_PAGES = 100;

    private static final int TOKEN_BYTES = 16;

    private final S3Address address;
    private final S3Settings settings;
    private final S3Requests requests;
    private final S3Reader reader;
    private final S3Retention retention;
    private final S3Deletion deletion;
    private final S3Upload.Shared uploads;
    private final Randomness randomness;
    private final InstantSource clock;
    private final AtomicReference<Instant> sweptAt = new AtomicReference<>(Instant.MIN);
    private volatile boolean isBucketKnown;

    /// What a store needs of its surroundings.
    public record Surroundings(
            Randomness randomness, InstantSource clock, Meter meter, Threads threads) {}

    public S3Store(
            S3Address address, S3Access access, S3Settings settings, Surroundings surroundings) {
        this.address = address;
        this.settings = settings;
        randomness = surroundings.randomness;
        clock = surroundings.clock;
        requests = new S3Requests(address, access, settings, randomness, surroundings.meter);
        retention = new S3Retention(requests, settings.lockMode());
        deletion = new S3Deletion(requests, retention);
        reader = new S3Reader(requests, deletion);
        Semaphore slots = new Semaphore(Math.max(1, settings.streams() / 2));
        uploads = new S3Upload.Shared(requests, settings, deletion, slots, surroundings.threads);
    }

    @Override
    public String description() {
        return address.toString();
    }

    @Override
    public Upload create(ObjectName name) {
        Instant now = clock.instant();
        Instant before = sweptAt.get();
        boolean isDue = before.equals(Instant.MIN) || !now.isBefore(before.plus(SWEEP_EVERY));
        if (isDue && sweptAt.compareAndSet(before, now)) {
            dropAbandoned(now.minus(ABANDONED));
        }
        return new S3Upload(uploads, name, randomness.hex(TOKEN_BYTES));
    }

    @Override
    public StoredObject open(ObjectName name) {
        return reader.open(name);
    }

    @Override
    public boolean exists(ObjectName name) {
        boolean isFound =
                requests.call(
                        RequestClass.GET,
                        "find",
                        name,
                        (client, _) -> {
                            try {
                                client.headObject(head ->
                                        head.bucket(requests.bucket()).key(requests.key(name)));
                                return true;
                            } catch (AwsServiceException e) {
                                if (S3Errors.isMissing(e)) {
                                    return false;
                                }
                                throw e;
                            }
                        });
        if (!isFound && !isBucketKnown) {
            requireBucket();
        }
        isBucketKnown = true;
        return isFound;
    }

    /// The answer to a HEAD request does not tell a missing bucket from a missing object.
    private void requireBucket() {
        boolean isFound =
                requests.call(
                        RequestClass.GET,
                        "find",
                        requests.bucket(),
                        (client, _) -> {
                            try {
                                client.headBucket(head -> head.bucket(requests.bucket()));
                                return true;
                            } catch (AwsServiceException e) {
                                if (S3Errors.isMissing(e)) {
                                    return false;
                                }
                                // Who may use objects alone may not ask this.
                                if (S3Errors.isForbidden(e)) {
                                    return true;
                                }
                                throw e;
                            }
                        });
        if (!isFound) {
            throw S3Errors.error(Kind.DENIED, "stores.no-bucket", null, address);
        }
    }

    @Override
    public void list(Area area, Consumer<Listed> visitor) {
        list(area, "", visitor);
    }

    @Override
    public void list(Area area, String prefix, Consumer<Listed> visitor) {
        String folder = requests.prefix() + area.folder() + "/";
        String next = null;
        do {
            ListObjectsV2Response page = page(folder + prefix, next);
            for (S3Object object : page.contents()) {
                String name = object.key().substring(folder.length());
                // Other objects are none of ours.
                if (name.matches("[0-9a-f]{32}")) {
                    visitor.accept(
                            new Listed(
                                    new ObjectName(area, ObjectId.parse(name)),
                                    object.size(),
                                    object.lastModified()));
                }
            }
            next = Boolean.TRUE.equals(page.isTruncated()) ? page.nextContinuationToken() : null;
        } while (next != null);
    }

    @Override
    public Optional<Occupant> occupant() {
        // The first thousand tell enough: of a vault some are ours.
        List<Occupant> found =
                page(requests.prefix(), null).contents().stream()
                        .map(object -> object.key().substring(requests.prefix().length()))
                        .map(path -> new Occupant(path, ObjectName.isOurs(path)))
                        .toList();
        return found.stream()
                .filter(Occupant::isOurs)
                .findFirst()
                .or(() -> found.stream().findFirst());
    }

    private ListObjectsV2Response page(String folder, @Nullable String token) {
        ListObjectsV2Request request =
                ListObjectsV2Request.builder()
                        .bucket(requests.bucket())
                        .prefix(folder)
                        .continuationToken(token)
                        .build();
        return requests.call(
                RequestClass.PUT, "list", folder, (client, _) -> client.listObjectsV2(request));
    }

    @Override
    public void delete(ObjectName name) {
        deletion.delete(name);
    }

    @Override
    public void retain(ObjectName name, Instant until) {
        retention.extend(name, until);
    }

    @Override
    public int streams() {
        return settings.streams();
    }

    @Override
    public void close() {
        requests.close();
    }

    /// Makes sure that the server never lets one object replace another: stores a small object twice under a name of
    /// its own, and deletes it. Throws kind `UNSUPPORTED` if the second time succeeds or the server does not know
    /// the condition. Does nothing if the settings ask for looking before writing.
    public void probe() {
        if (settings.exclusion() == S3Settings.Exclusion.CHECK_FIRST) {
            return;
        }
        ObjectName name = new ObjectName(Area.EXECUTED, ObjectId.random(randomness));
        try {
            put(name);
            boolean isReplaced = put(name);
            if (isReplaced) {
                throw S3Errors.error(Kind.UNSUPPORTED, "stores.replaces", null, address);
            }
        } finally {
            forget(name);
        }
    }

    private boolean put(ObjectName name) {
        return requests.call(
                RequestClass.PUT,
                "write",
                name,
                (client, _) -> {
                    try {
                        client.putObject(
                                put ->
                                        put.bucket(requests.bucket())
                                                .key(requests.key(name))
                                                .metadata(Map.of("stillpoint-upload", "probe"))
                                                .ifNoneMatch("*"),
                                RequestBody.fromBytes(new byte[] {1}));
                        return true;
                    } catch (AwsServiceException e) {
                        if (S3Errors.isTaken(e)) {
                            return false;
                        }
                        if (S3Errors.isUnknownRequest(e)) {
                            throw S3Errors.error(
                                    Kind.UNSUPPORTED, "stores.no-condition", e, address);
                        }
                        throw e;
                    }
                });
    }

    private void forget(ObjectName name) {
        try {
            delete(name);
        } catch (VaultException e) {
            // A bucket that retains all keeps this one too; a byte does not hurt.
            if (e.kind() != Kind.RETAINED && e.kind() != Kind.DENIED) {
                throw e;
            }
        }
    }

    /// Parts that nobody put together are kept, and charged for, until somebody drops them.
    private void dropAbandoned(Instant eldest) {
        String key = null;
        String id = null;
        for (int page = 0; page < SWEEP_PAGES; page++) {
            ListMultipartUploadsResponse found = unfinished(key, id);
            for (MultipartUpload upload : found.uploads()) {
                if (upload.initiated() != null && upload.initiated().isBefore(eldest)) {
                    drop(upload);
                }
            }
            boolean isSame = Objects.equals(key, found.nextKeyMarker());
            key = found.nextKeyMarker();
            // A server that gives the same marker again would have no end.
            if (!Boolean.TRUE.equals(found.isTruncated())
                    || key == null
                    || (isSame && Objects.equals(id, found.nextUploadIdMarker()))) {
                return;
            }
            id = found.nextUploadIdMarker();
        }
    }

    /// One page of them, from behind what the one before ended with.
    private ListMultipartUploadsResponse unfinished(@Nullable String key, @Nullable String id) {
        return requests.call(
                RequestClass.PUT,
                "list",
                "unfinished uploads",
                (client, _) -> {
                    try {
                        return client.listMultipartUploads(list ->
                                list.bucket(requests.bucket())
                                        .prefix(requests.prefix())
                                        .keyMarker(key)
                                        .uploadIdMarker(id));
                    } catch (AwsServiceException e) {
                        if (S3Errors.isUnknownRequest(e)
                                || S3Errors.isForbidden(e)
                                || S3Errors.isMissing(e)) {
                            return ListMultipartUploadsResponse.builder().build();
                        }
                        throw e;
                    }
                });
    }

    private void drop(MultipartUpload upload) {
        requests.call(
                RequestClass.DELETE,
                "drop",
                upload.key(),
                (client, _) -> {
                    try {
                        client.abortMultipartUpload(aborted ->
                                aborted.bucket(requests.bucket())
                                        .key(upload.key())
                                        .uploadId(upload.uploadId()));
                    } catch (AwsServiceException e) {
                        if (!S3Errors.isMissing(e) && !S3Errors.isForbidden(e)) {
                            throw e;
                        }
                    }
                    return true;
                });
    }
}
