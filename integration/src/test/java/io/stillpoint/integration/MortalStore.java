package io.stillpoint.integration;

import io.stillpoint.vault.store.ForwardingStore;
import io.stillpoint.vault.store.ObjectName;
import io.stillpoint.vault.store.ObjectStore;
import java.time.Instant;
import java.util.function.Consumer;

/// A store as a process sees it that ends at some call. An upload that it did not commit is not there.
final class MortalStore extends ForwardingStore {
    private final MortalProcess process;

    MortalStore(ObjectStore below, MortalProcess process) {
        super(below);
        this.process = process;
    }

    @Override
    public Upload create(ObjectName name) {
        process.pass("create " + name.area());
        Upload upload = super.create(name);
        return new ForwardingUpload(upload) {
            @Override
            public void commit() {
                process.pass("commit " + name.area());
                super.commit();
                process.pass("committed " + name.area());
            }
        };
    }

    @Override
    public StoredObject open(ObjectName name) {
        process.pass("open " + name.area());
        return super.open(name);
    }

    @Override
    public void list(ObjectName.Area area, Consumer<Listed> visitor) {
        process.pass("list " + area);
        super.list(area, visitor);
    }

    @Override
    public void delete(ObjectName name) {
        process.pass("delete " + name.area());
        super.delete(name);
    }

    @Override
    public void retain(ObjectName name, Instant until) {
        process.pass("retain");
        super.retain(name, until);
    }
}
