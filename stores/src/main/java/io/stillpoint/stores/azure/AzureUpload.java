package io.stillpoint.stores.azure;

import com.azure.core.util.BinaryData;
import com.azure.core.util.Context;
import com.azure.storage.blob.models.BlobRequestConditions;
import com.azure.storage.blob.models.BlobStorageException;
import com.azure.storage.blob.options.BlockBlobCommitBlockListOptions;
import com.azure.storage.blob.options.BlockBlobSimpleUploadOptions;
import com.azure.storage.blob.specialized.BlockBlobClient;
import io.stillpoint.platform.Threads;
import io.stillpoint.stores.request.PartedUpload;
import io.stillpoint.stores.request.RequestClass;
import io.stillpoint.vault.store.ObjectName;
import io.stillpoint.vault.store.VaultException;
import io.stillpoint.vault.store.VaultException.Kind;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Semaphore;
import java.util.stream.IntStream;

/// An object on its way to a container. Carries a random token, which tells whether a name that is taken was taken by a
/// request of ours whose answer was lost.
final class AzureUpload extends PartedUpload {
    private static final String TOKEN = "stillpoint";

    private final AzureRequests requests;
    private final ObjectName name;
    private final String token;

    /// What all uploads to a container have in common.
    ///
    /// @param slots as many parts are on their way at once
    record Shared(
            AzureRequests requests, AzureSettings settings, Semaphore slots, Threads threads) {}

    AzureUpload(Shared shared, ObjectName name, String token) {
        super(shared.settings.blockSize(), shared.slots, shared.threads);
        requests = shared.requests;
        this.name = name;
        this.token = token;
    }

    private static BinaryData data(byte[] bytes, int length) {
        return BinaryData.fromByteBuffer(ByteBuffer.wrap(bytes, 0, length));
    }

    private static BlobRequestConditions ifNew() {
        return new BlobRequestConditions().setIfNoneMatch("*");
    }

    @Override
    protected void putWhole(byte[] bytes, int length) {
        publish(
                length,
                blob ->
                        blob.uploadWithResponse(
                                new BlockBlobSimpleUploadOptions(data(bytes, length))
                                        .setMetadata(Map.of(TOKEN, token))
                                        .setRequestConditions(ifNew()),
                                null,
                                Context.NONE));
    }

    /// The request that makes the object visible.
    private interface Publication {
        Object send(BlockBlobClient blob);
    }

    private void publish(long bytes, Publication publication) {
        requests.send(
                RequestClass.PUT,
                "write",
                name,
                bytes,
                attempt -> {
                    BlockBlobClient blob = requests.blob(name);
                    try {
                        return publication.send(blob);
                    } catch (BlobStorageException e) {
                        if (!AzureErrors.isTaken(e)) {
                            throw e;
                        }
                        if (attempt > 1
                                && token.equals(blob.getProperties().getMetadata().get(TOKEN))) {
                            return true;
                        }
                        throw new VaultException(
                                Kind.EXISTS, "vault.object-exists", e, requests.place(name));
                    }
                });
    }

    @Override
    protected void begin() {
        // Blocks need no beginning.
    }

    /// Ids of one length, which no other writer of the same name uses.
    private String id(int number) {
        String id = String.format("%s-%06d", token, number);
        return Base64.getEncoder().encodeToString(id.getBytes(StandardCharsets.US_ASCII));
    }

    @Override
    protected void putPart(int number, byte[] bytes, int length) {
        requests.send(
                RequestClass.PUT,
                "write",
                name,
                length,
                _ -> {
                    requests.blob(name).stageBlock(id(number), data(bytes, length));
                    return true;
                });
    }

    @Override
    protected void complete(int count) {
        List<String> ids = IntStream.rangeClosed(1, count).mapToObj(this::id).toList();
        publish(
                0,
                blob ->
                        blob.commitBlockListWithResponse(
                                new BlockBlobCommitBlockListOptions(ids)
                                        .setMetadata(Map.of(TOKEN, token))
                                        .setRequestConditions(ifNew()),
                                null,
                                Context.NONE));
    }

    @Override
    protected void abort() {
        // The server forgets blocks that are in no object after a week, and charges for none.
    }
}
