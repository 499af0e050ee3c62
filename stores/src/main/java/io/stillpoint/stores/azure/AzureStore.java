package io.stillpoint.stores.azure;

import com.azure.core.http.rest.PagedResponse;
import com.azure.core.util.Context;
import com.azure.storage.blob.models.BlobDownloadContentResponse;
import com.azure.storage.blob.models.BlobImmutabilityPolicy;
import com.azure.storage.blob.models.BlobImmutabilityPolicyMode;
import com.azure.storage.blob.models.BlobItem;
import com.azure.storage.blob.models.BlobListDetails;
import com.azure.storage.blob.models.BlobProperties;
import com.azure.storage.blob.models.BlobRange;
import com.azure.storage.blob.models.BlobStorageException;
import com.azure.storage.blob.models.DownloadRetryOptions;
import com.azure.storage.blob.models.ListBlobsOptions;
import io.stillpoint.platform.Randomness;
import io.stillpoint.platform.Threads;
import io.stillpoint.stores.request.Meter;
import io.stillpoint.stores.request.RangedObject;
import io.stillpoint.stores.request.RequestClass;
import io.stillpoint.vault.store.ObjectId;
import io.stillpoint.vault.store.ObjectName;
import io.stillpoint.vault.store.ObjectName.Area;
import io.stillpoint.vault.store.ObjectStore;
import io.stillpoint.vault.store.VaultException;
import io.stillpoint.vault.store.VaultException.Kind;
import java.io.EOFException;
import java.io.UncheckedIOException;
import java.time.Instant;
import java.time.InstantSource;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Semaphore;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/// Objects as block blobs of a container of Azure's Blob Storage. An object is stored by one conditional request, or in
/// blocks that a conditional request puts together.
public final class AzureStore implements ObjectStore {
    private static final int TOKEN_BYTES = 16;

    private final AzureAddress address;
    private final AzureSettings settings;
    private final AzureRequests requests;
    private final AzureUpload.Shared uploads;
    private final Randomness randomness;
    private final InstantSource clock;

    /// What a store needs of its surroundings.
    public record Surroundings(
            Randomness randomness, InstantSource clock, Meter meter, Threads threads) {}

    public AzureStore(
            AzureAddress address,
            AzureAccess access,
            AzureSettings settings,
            Surroundings surroundings) {
        this.address = address;
        this.settings = settings;
        randomness = surroundings.randomness;
        clock = surroundings.clock;
        requests = new AzureRequests(address, access, settings, randomness, surroundings.meter);
        Semaphore slots = new Semaphore(Math.max(1, settings.streams() / 2));
        uploads = new AzureUpload.Shared(requests, settings, slots, surroundings.threads);
    }

    @Override
    public String description() {
        return address.toString();
    }

    @Override
    public Upload create(ObjectName name) {
        return new AzureUpload(uploads, name, randomness.hex(TOKEN_BYTES));
    }

    @Override
    public StoredObject open(ObjectName name) {
        RangedObject.Opened opened =
                requests.send(
                        RequestClass.GET,
                        "open",
                        name,
                        0,
                        _ -> {
                            try {
                                BlobDownloadContentResponse answer =
                                        download(name, 0, RangedObject.HEAD);
                                return new RangedObject.Opened(
                                        answer.getValue().toBytes(),
                                        size(answer),
                                        answer.getDeserializedHeaders()
                                                .getLastModified()
                                                .toInstant());
                            } catch (BlobStorageException e) {
                                if (AzureErrors.isBadRange(e)) {
                                    // No byte is in range of an empty object.
                                    return RangedObject.Opened.EMPTY;
                                }
                                throw missing(name, e);
                            }
                        });
        requests.meter().received(opened.head().length);
        return new Ranges(name, opened);
    }

    private BlobDownloadContentResponse download(ObjectName name, long offset, int length) {
        return requests.blob(name)
                .downloadContentWithResponse(
                        new DownloadRetryOptions().setMaxRetryRequests(0),
                        null,
                        new BlobRange(offset, (long) length),
                        false,
                        null,
                        Context.NONE);
    }

    /// Of the whole object. `Content-Range` is `bytes first-last/size` (RFC 9110, section 14.4).
    private static long size(BlobDownloadContentResponse answer) {
        String range = answer.getDeserializedHeaders().getContentRange();
        return range == null
                ? answer.getDeserializedHeaders().getContentLength()
                : Long.parseLong(range.substring(range.indexOf('/') + 1));
    }

    private RuntimeException missing(ObjectName name, BlobStorageException e) {
        return AzureErrors.isMissing(e)
                ? new VaultException(Kind.MISSING, "vault.missing", e, requests.place(name))
                : e;
    }

    private final class Ranges extends RangedObject {
        Ranges(ObjectName name, Opened opened) {
            super(name, requests.place(name), opened);
        }

        @Override
        protected void fetch(long offset, byte[] into, int at, int length) {
            byte[] content =
                    requests.send(
                            RequestClass.GET,
                            "read",
                            name(),
                            0,
                            _ -> {
                                try {
                                    return whole(download(name(), offset, length), length);
                                } catch (BlobStorageException e) {
                                    if (AzureErrors.isBadRange(e)) {
                                        throw truncated(
                                                requests.place(name()), offset + length, offset);
                                    }
                                    throw missing(name(), e);
                                }
                            });
            requests.meter().received(length);
            System.arraycopy(content, 0, into, at, length);
        }

        private byte[] whole(BlobDownloadContentResponse answer, int length) {
            if (AzureStore.size(answer) != size()) {
                throw truncated(requests.place(name()), size(), AzureStore.size(answer));
            }
            byte[] content = answer.getValue().toBytes();
            if (content.length != length) {
                throw new UncheckedIOException(
                        new EOFException("answer of " + content.length + " bytes, not " + length));
            }
            return content;
        }
    }

    @Override
    public boolean exists(ObjectName name) {
        return properties(name).isPresent();
    }

    private Optional<BlobProperties> properties(ObjectName name) {
        return requests.send(
                RequestClass.GET,
                "find",
                name,
                0,
                _ -> {
                    try {
                        return Optional.of(requests.blob(name).getProperties());
                    } catch (BlobStorageException e) {
                        if (AzureErrors.isMissing(e)) {
                            return Optional.empty();
                        }
                        throw e;
                    }
                });
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
            PagedResponse<BlobItem> page =
                    page(new ListBlobsOptions().setPrefix(folder + prefix), next);
            for (BlobItem item : page.getValue()) {
                String name = item.getName().substring(folder.length());
                // Other objects are none of ours.
                if (name.matches("[0-9a-f]{32}")) {
                    visitor.accept(
                            new Listed(
                                    new ObjectName(area, ObjectId.parse(name)),
                                    item.getProperties().getContentLength(),
                                    item.getProperties().getLastModified().toInstant()));
                }
            }
            next = page.getContinuationToken();
        } while (next != null && !next.isEmpty());
    }

    @Override
    public Optional<Occupant> occupant() {
        List<Occupant> found =
                page(new ListBlobsOptions().setPrefix(requests.prefix()), null).getValue().stream()
                        .map(item -> item.getName().substring(requests.prefix().length()))
                        .map(path -> new Occupant(path, ObjectName.isOurs(path)))
                        .toList();
        return found.stream()
                .filter(Occupant::isOurs)
                .findFirst()
                .or(() -> found.stream().findFirst());
    }

    private PagedResponse<BlobItem> page(ListBlobsOptions options, @Nullable String token) {
        return requests.send(
                RequestClass.PUT,
                "list",
                String.valueOf(options.getPrefix()),
                0,
                _ ->
                        requests.container()
                                .listBlobs(options, token, null)
                                .iterableByPage()
                                .iterator()
                                .next());
    }

    /// Where the account keeps versions, these are deleted too.
    @Override
    public void delete(ObjectName name) {
        Optional<BlobProperties> found = properties(name);
        if (found.isEmpty()) {
            return;
        }
        Instant until = until(found.get());
        if (until != null && until.isAfter(clock.instant())) {
            throw retained(name, until.toString(), null);
        }
        delete(name, null);
        if (found.get().getVersionId() != null) {
            ListBlobsOptions versions =
                    new ListBlobsOptions()
                            .setPrefix(requests.key(name))
                            .setDetails(new BlobListDetails().setRetrieveVersions(true));
            page(versions, null).getValue().stream()
                    .filter(item -> item.getName().equals(requests.key(name)))
                    .forEach(item -> delete(name, item.getVersionId()));
        }
    }

    private static @Nullable Instant until(BlobProperties properties) {
        BlobImmutabilityPolicy policy = properties.getImmutabilityPolicy();
        return policy == null || policy.getExpiryTime() == null
                ? null
                : policy.getExpiryTime().toInstant();
    }

    private void delete(ObjectName name, @Nullable String version) {
        requests.send(
                RequestClass.DELETE,
                "delete",
                name,
                0,
                _ -> {
                    try {
                        requests.version(name, version).delete();
                    } catch (BlobStorageException e) {
                        if (AzureErrors.isImmutable(e)) {
                            throw retained(name, "its policy ends", e);
                        }
                        if (!AzureErrors.isMissing(e)) {
                            throw e;
                        }
                    }
                    return true;
                });
    }

    private VaultException retained(ObjectName name, String until, @Nullable Throwable cause) {
        return AzureErrors.error(
                Kind.RETAINED, "stores.retained", cause, requests.place(name), until);
    }

    /// By a policy of the version, which the container must allow ("version-level immutability").
    @Override
    public void retain(ObjectName name, Instant until) {
        BlobProperties found =
                properties(name)
                        .orElseThrow(() ->
                                new VaultException(
                                        Kind.MISSING, "vault.missing", null, requests.place(name)));
        Instant present = until(found);
        if (present != null && !present.isBefore(until)) {
            return;
        }
        BlobImmutabilityPolicy policy =
                new BlobImmutabilityPolicy()
                        .setExpiryTime(until.plusMillis(999).atOffset(ZoneOffset.UTC))
                        .setPolicyMode(
                                settings.isLocked()
                                        ? BlobImmutabilityPolicyMode.LOCKED
                                        : BlobImmutabilityPolicyMode.UNLOCKED);
        requests.send(
                RequestClass.PUT,
                "lock",
                name,
                0,
                _ -> {
                    try {
                        return requests.blob(name).setImmutabilityPolicy(policy);
                    } catch (BlobStorageException e) {
                        throw AzureErrors.isUnknownRequest(e)
                                ? AzureErrors.error(Kind.UNSUPPORTED, "stores.no-lock", e, address)
                                : e;
                    }
                });
    }

    @Override
    public int streams() {
        return settings.streams();
    }

    @Override
    public void close() {
        // The client has nothing to close; its connections end by themselves.
    }
}
