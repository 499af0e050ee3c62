package io.stillpoint.integration;

import io.stillpoint.hypervisor.HeldDisk;
import io.stillpoint.hypervisor.HeldSnapshot;
import io.stillpoint.hypervisor.PreparedSnapshot;
import io.stillpoint.hypervisor.SnapshotDescriptor;
import io.stillpoint.hypervisor.SnapshotRequest;
import io.stillpoint.hypervisor.VirtualMachine;
import io.stillpoint.hypervisor.VmIdentity;
import io.stillpoint.platform.block.BlockSource;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import tools.jackson.databind.node.ObjectNode;

/// A VM whose snapshots are read whole before the job reads them: what a backup must restore to, byte for byte,
/// however much the guest writes meanwhile.
final class ReferenceVm implements VirtualMachine {
    private final VirtualMachine vm;
    private final Map<String, byte[]> references = new HashMap<>();
    private boolean hasAnyChannel;
    private Runnable beforeTake = () -> {};
    private Runnable afterTake = () -> {};
    private Runnable beforeProof = () -> {};

    ReferenceVm(VirtualMachine vm) {
        this.vm = vm;
    }

    /// Lets any socket pass for a channel of this VM.
    ReferenceVm withAnyChannel() {
        hasAnyChannel = true;
        return this;
    }

    /// The content of each disk at the instant of the last snapshot.
    Map<String, byte[]> references() {
        return references;
    }

    /// Called when the guest is at rest and the snapshot not yet taken.
    void beforeTake(Runnable action) {
        beforeTake = action;
    }

    /// Called when the snapshot is taken and the guest still at rest.
    void afterTake(Runnable action) {
        afterTake = action;
    }

    /// Called when the job has read everything and not yet asked whether the snapshot held.
    void beforeProof(Runnable action) {
        beforeProof = action;
    }

    @Override
    public boolean running() {
        return vm.running();
    }

    @Override
    public void requireFit() {
        vm.requireFit();
    }

    @Override
    public VmIdentity identity() {
        return vm.identity();
    }

    @Override
    public Optional<Channel> channel(Path socket) {
        return hasAnyChannel ? Optional.of(() -> true) : vm.channel(socket);
    }

    @Override
    public ObjectNode configuration() {
        return vm.configuration();
    }

    @Override
    public PreparedSnapshot prepare(SnapshotRequest request) {
        PreparedSnapshot prepared = vm.prepare(request);
        return new PreparedSnapshot() {
            @Override
            public HeldSnapshot take() {
                beforeTake.run();
                HeldSnapshot taken = prepared.take();
                afterTake.run();
                return new Referenced(taken);
            }

            @Override
            public void close() {
                prepared.close();
            }
        };
    }

    @Override
    public HeldSnapshot adopt(SnapshotDescriptor descriptor) {
        return new Referenced(vm.adopt(descriptor));
    }

    @Override
    public void close() {
        vm.close();
    }

    private final class Referenced implements HeldSnapshot {
        private final HeldSnapshot snapshot;

        Referenced(HeldSnapshot snapshot) {
            this.snapshot = snapshot;
        }

        @Override
        public List<HeldDisk> disks() {
            List<HeldDisk> disks = snapshot.disks();
            for (HeldDisk disk : disks) {
                byte[] content = new byte[Math.toIntExact(disk.size())];
                try (BlockSource source = disk.open()) {
                    // Every byte, also where the map of data says zeros.
                    for (int at = 0; at < content.length; at += 1 << 20) {
                        source.read(at, content, at, Math.min(1 << 20, content.length - at));
                    }
                }
                references.put(disk.name(), content);
            }
            return disks;
        }

        @Override
        public SnapshotDescriptor descriptor() {
            return snapshot.descriptor();
        }

        @Override
        public void detach() {
            snapshot.detach();
        }

        @Override
        public ObjectNode recording() {
            return snapshot.recording();
        }

        @Override
        public void proveValid() {
            beforeProof.run();
            snapshot.proveValid();
        }

        @Override
        public void keepChanges() {
            snapshot.keepChanges();
        }

        @Override
        public void close() {
            snapshot.close();
        }
    }
}
