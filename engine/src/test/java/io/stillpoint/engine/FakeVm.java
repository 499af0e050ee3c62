package io.stillpoint.engine;

import io.stillpoint.hypervisor.ChangedBlocks;
import io.stillpoint.hypervisor.HeldDisk;
import io.stillpoint.hypervisor.HeldSnapshot;
import io.stillpoint.hypervisor.HypervisorException;
import io.stillpoint.hypervisor.PreparedSnapshot;
import io.stillpoint.hypervisor.Shutdown;
import io.stillpoint.hypervisor.SnapshotDescriptor;
import io.stillpoint.hypervisor.SnapshotName;
import io.stillpoint.hypervisor.SnapshotRequest;
import io.stillpoint.hypervisor.VirtualMachine;
import io.stillpoint.hypervisor.VmIdentity;
import io.stillpoint.platform.Json;
import io.stillpoint.platform.block.BlockSource;
import io.stillpoint.platform.block.Extent;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import tools.jackson.databind.node.ObjectNode;

/// A VM that is off, with one disk on the heap, whose hypervisor fails where it is told to.
final class FakeVm implements VirtualMachine, PreparedSnapshot, HeldSnapshot, HeldDisk {
    /// Where it can fail.
    enum Fault {
        KEEP,
        CLOSE_DISK,
        CLOSE_SNAPSHOT
    }

    private final byte[] content;
    private final Set<Fault> faults;
    private SnapshotName name = new SnapshotName("00000000", "0000000000000000");
    List<String> images = List.of("/fake");
    final List<String> calls = new ArrayList<>();

    FakeVm(byte[] content, Fault... faults) {
        this.content = content;
        this.faults = EnumSet.noneOf(Fault.class);
        this.faults.addAll(List.of(faults));
    }

    private void call(String name, Fault fault) {
        calls.add(name);
        if (faults.contains(fault)) {
            throw new HypervisorException(
                    HypervisorException.Kind.IMAGE, "image.failed", null, name, "broken");
        }
    }

    @Override
    public boolean isOff() {
        return true;
    }

    @Override
    public boolean running() {
        return false;
    }

    @Override
    public VmIdentity identity() {
        return VmIdentity.here("", "", "fake", images, List.of());
    }

    @Override
    public Optional<Channel> channel(Path socket) {
        return Optional.empty();
    }

    @Override
    public Shutdown shutdown() {
        return Shutdown.CLEAN;
    }

    @Override
    public ObjectNode recording() {
        return Json.object();
    }

    @Override
    public ObjectNode configuration() {
        return Json.object().put("name", "fake");
    }

    @Override
    public PreparedSnapshot prepare(SnapshotRequest request) {
        calls.add("prepare");
        name = request.name();
        return this;
    }

    @Override
    public HeldSnapshot adopt(SnapshotDescriptor descriptor) {
        calls.add("adopt");
        return this;
    }

    @Override
    public SnapshotDescriptor descriptor() {
        return new SnapshotDescriptor(
                "fake",
                name,
                List.of(
                        new SnapshotDescriptor.Disk(
                                name(),
                                size(),
                                format(),
                                Optional.empty(),
                                Optional.empty(),
                                Optional.empty())),
                Json.object());
    }

    @Override
    public void detach() {
        calls.add("detach");
    }

    @Override
    public HeldSnapshot take() {
        return this;
    }

    @Override
    public List<HeldDisk> disks() {
        return List.of(this);
    }

    @Override
    public void proveValid() {}

    @Override
    public void keepChanges() {
        call("keep", Fault.KEEP);
    }

    @Override
    public void close() {
        call("close", Fault.CLOSE_SNAPSHOT);
    }

    @Override
    public String name() {
        return "disk";
    }

    @Override
    public long size() {
        return content.length;
    }

    @Override
    public String format() {
        return "raw";
    }

    @Override
    public ChangedBlocks changes() {
        return new ChangedBlocks.Unknown(ChangedBlocks.Reason.NOT_SUPPORTED);
    }

    @Override
    public Optional<String> generation() {
        return Optional.empty();
    }

    @Override
    public BlockSource open() {
        return new BlockSource() {
            @Override
            public long size() {
                return content.length;
            }

            @Override
            public Iterator<Extent> dataExtents() {
                return List.of(new Extent(0, content.length)).iterator();
            }

            @Override
            public void read(long offset, byte[] into, int at, int length) {
                System.arraycopy(content, Math.toIntExact(offset), into, at, length);
            }

            @Override
            public void close() {
                call("close-disk", Fault.CLOSE_DISK);
            }
        };
    }
}
