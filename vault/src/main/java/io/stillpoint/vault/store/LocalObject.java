package io.stillpoint.vault.store;

import io.stillpoint.platform.disk.DiskFile;
import io.stillpoint.vault.store.VaultException.Kind;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.NoSuchFileException;
import java.time.Instant;

/// An object of a [LocalStore], open for reading.
final class LocalObject implements ObjectStore.StoredObject {
    private final VaultFolder folder;
    private final ObjectName name;
    private final DiskFile file;
    private final long size;

    LocalObject(VaultFolder folder, ObjectName name) throws IOException {
        this.folder = folder;
        this.name = name;
        file = folder.disk().open(folder.path(name));
        try {
            size = file.size();
        } catch (IOException e) {
            close();
            throw e;
        }
    }

    @Override
    public ObjectName name() {
        return name;
    }

    @Override
    public long size() {
        return size;
    }

    @Override
    public Instant modifiedAt() {
        try {
            return folder.disk()
                    .attributes(folder.path(name))
                    .orElseThrow(() -> new NoSuchFileException(folder.path(name).toString()))
                    .modifiedAt();
        } catch (NoSuchFileException e) {
            throw new VaultException(Kind.MISSING, "vault.missing", e, folder.path(name));
        } catch (IOException e) {
            throw folder.failed(e, "read", name);
        }
    }

    @Override
    public void read(long offset, byte[] into, int at, int length) {
        try {
            ByteBuffer buffer = ByteBuffer.wrap(into, at, length);
            while (buffer.hasRemaining()) {
                int count = file.read(buffer, offset + buffer.position() - at);
                if (count < 0) {
                    throw new VaultException(
                            Kind.DAMAGED,
                            "vault.truncated",
                            null,
                            folder.path(name),
                            Long.toString(offset + length),
                            Long.toString(size));
                }
            }
        } catch (IOException e) {
            throw folder.failed(e, "read", name);
        }
    }

    @Override
    public void close() {
        try {
            file.close();
        } catch (IOException _) {
            // Nothing was written, so a failure has nothing to say.
        }
    }
}
