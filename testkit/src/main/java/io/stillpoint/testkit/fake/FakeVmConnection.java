package io.stillpoint.testkit.fake;

import io.stillpoint.hypervisor.ChangedBlocks;
import io.stillpoint.hypervisor.HeldDisk;
import io.stillpoint.hypervisor.HeldSnapshot;
import io.stillpoint.hypervisor.HypervisorException;
import io.stillpoint.hypervisor.HypervisorException.Kind;
import io.stillpoint.hypervisor.PreparedSnapshot;
import io.stillpoint.hypervisor.SnapshotDescriptor;
import io.stillpoint.hypervisor.SnapshotRequest;
import io.stillpoint.hypervisor.VirtualMachine;
import io.stillpoint.hypervisor.VmIdentity;
import io.stillpoint.platform.block.BlockSource;
import io.stillpoint.platform.block.Extent;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.function.IntPredicate;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ObjectNode;

/// One process's end of a [FakeVm].
final class FakeVmConnection implements VirtualMachine {
    private final FakeVm vm;
    private final CallGate gate;
    private final int run;

    /// Of the latest snapshot.
    private @Nullable ObjectNode configuration;

    /// @param run of the hypervisor's process that it is connected to
    FakeVmConnection(FakeVm vm, CallGate gate, int run) {
        this.vm = vm;
        this.gate = gate;
        this.run = run;
    }

    @Override
    public boolean running() {
        synchronized (vm) {
            vm.pass(gate, "running", run);
            return vm.isRunning();
        }
    }

    @Override
    public void requireFit() {
        synchronized (vm) {
            vm.pass(gate, "fit", run);
            requireHere();
        }
    }

    private void requireHere() {
        if (vm.isMigrating()) {
            throw new HypervisorException(
                    Kind.UNFIT_STATE, "vm.state-migrating", null, vm.name(), "active");
        }
    }

    @Override
    public VmIdentity identity() {
        synchronized (vm) {
            vm.pass(gate, "identity", run);
            return vm.identity();
        }
    }

    /// Fake guests are reached by [FakeGuest#agent], never by sockets.
    @Override
    public Optional<Channel> channel(Path socket) {
        return Optional.empty();
    }

    @Override
    public ObjectNode configuration() {
        synchronized (vm) {
            vm.pass(gate, "configuration", run);
            return configuration == null ? vm.configuration() : configuration.deepCopy();
        }
    }

    @Override
    public PreparedSnapshot prepare(SnapshotRequest request) {
        synchronized (vm) {
            vm.pass(gate, "prepare", run);
            requireHere();
            FakeSnapshot prepared = vm.prepare(request);
            configuration = prepared.configuration;
            return new Prepared(prepared);
        }
    }

    @Override
    public HeldSnapshot adopt(SnapshotDescriptor descriptor) {
        synchronized (vm) {
            vm.pass(gate, "adopt", run);
            requireHere();
            if (!descriptor.provider().equals("fake")) {
                throw SnapshotDescriptor.unreadable(null, descriptor.provider());
            }
            FakeSnapshot adopted = vm.adopt(descriptor);
            configuration = adopted.configuration;
            return new Held(adopted);
        }
    }

    @Override
    public void close() {
        gate.pass("leave");
        vm.leave(this);
    }

    private final class Prepared implements PreparedSnapshot {
        private final FakeSnapshot snapshot;
        private boolean ended;

        Prepared(FakeSnapshot snapshot) {
            this.snapshot = snapshot;
        }

        @Override
        public HeldSnapshot take() {
            synchronized (vm) {
                if (ended) {
                    throw new IllegalStateException("taken or closed before");
                }
                ended = true;
                boolean done = false;
                try {
                    vm.pass(gate, "take", run);
                    requireHere();
                    vm.take(snapshot);
                    done = true;
                    return new Held(snapshot);
                } finally {
                    if (!done) {
                        undo();
                    }
                }
            }
        }

        /// Unless the process has ended, which undoes nothing.
        private void undo() {
            gate.pass("undo");
            vm.release(snapshot, false);
        }

        @Override
        public void close() {
            synchronized (vm) {
                if (!ended) {
                    ended = true;
                    undo();
                }
            }
        }
    }

    private final class Held implements HeldSnapshot {
        private final FakeSnapshot snapshot;
        private boolean keepsChanges;

        /// Closed or let go of.
        private boolean ended;

        Held(FakeSnapshot snapshot) {
            this.snapshot = snapshot;
        }

        private void pass(String call) {
            vm.pass(gate, call, run);
            if (ended) {
                throw new IllegalStateException("let go of");
            }
            snapshot.requireWhole();
        }

        @Override
        public List<HeldDisk> disks() {
            synchronized (vm) {
                pass("disks");
                List<HeldDisk> disks = new ArrayList<>();
                snapshot.disks.forEach(held -> disks.add(new Disk(this, held)));
                return disks;
            }
        }

        @Override
        public ObjectNode recording() {
            return snapshot.recording();
        }

        @Override
        public void proveValid() {
            synchronized (vm) {
                pass("prove");
                for (FakeSnapshot.HeldState held : snapshot.disks) {
                    if (held.disk.size() != held.size()) {
                        throw new HypervisorException(
                                Kind.SNAPSHOT_BROKEN,
                                "snapshot.resized",
                                null,
                                vm.name(),
                                held.disk.name,
                                Integer.toString(held.size()),
                                Integer.toString(held.disk.size()));
                    }
                }
            }
        }

        @Override
        public SnapshotDescriptor descriptor() {
            synchronized (vm) {
                pass("descriptor");
                return snapshot.descriptor();
            }
        }

        @Override
        public void detach() {
            synchronized (vm) {
                gate.pass("detach");
                ended = true;
            }
        }

        @Override
        public void keepChanges() {
            gate.pass("keep");
            keepsChanges = true;
        }

        @Override
        public void close() {
            synchronized (vm) {
                gate.pass("release");
                if (!ended) {
                    ended = true;
                    vm.release(snapshot, keepsChanges);
                }
            }
        }
    }

    private final class Disk implements HeldDisk {
        private final Held snapshot;
        private final FakeSnapshot.HeldState held;

        Disk(Held snapshot, FakeSnapshot.HeldState held) {
            this.snapshot = snapshot;
            this.held = held;
        }

        @Override
        public String name() {
            return held.disk.name;
        }

        @Override
        public long size() {
            return held.size();
        }

        @Override
        public String format() {
            return held.disk.format;
        }

        @Override
        public ChangedBlocks changes() {
            synchronized (vm) {
                snapshot.pass("changes");
                BitSet changes = held.changes();
                return held.unknown.isPresent()
                        ? new ChangedBlocks.Unknown(held.unknown.get())
                        : new ChangedBlocks.Known(() -> extents(changes::get).iterator());
            }
        }

        @Override
        public Optional<String> generation() {
            return Optional.of(held.generation);
        }

        /// The blocks that meet a condition, neighbours in one extent.
        private List<Extent> extents(IntPredicate isWanted) {
            List<Extent> extents = new ArrayList<>();
            long begin = -1;
            int blocks = (held.size() + FakeDisk.BLOCK - 1) / FakeDisk.BLOCK;
            for (int block = 0; block <= blocks; block++) {
                boolean isIn = block < blocks && isWanted.test(block);
                long at = Math.min(held.size(), (long) block * FakeDisk.BLOCK);
                if (isIn && begin < 0) {
                    begin = at;
                } else if (!isIn && begin >= 0) {
                    extents.add(new Extent(begin, at - begin));
                    begin = -1;
                }
            }
            return extents;
        }

        @Override
        public BlockSource open() {
            synchronized (vm) {
                snapshot.pass("open-disk");
                return new Source();
            }
        }

        private final class Source implements BlockSource {
            @Override
            public long size() {
                return held.size();
            }

            @Override
            public Iterator<Extent> dataExtents() {
                synchronized (vm) {
                    snapshot.pass("extents");
                    return extents(block -> FakeSnapshot.isData(held, block)).iterator();
                }
            }

            @Override
            public void read(long offset, byte[] into, int at, int length) {
                synchronized (vm) {
                    snapshot.pass("read");
                    held.read(Math.toIntExact(offset), into, at, length);
                }
            }

            @Override
            public void close() {
                gate.pass("close-disk");
            }
        }
    }
}
