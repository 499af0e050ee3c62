package io.stillpoint.testkit.fake;

import io.stillpoint.hypervisor.ChangedBlocks.Reason;
import io.stillpoint.hypervisor.Hypervisor;
import io.stillpoint.hypervisor.HypervisorException;
import io.stillpoint.hypervisor.HypervisorException.Kind;
import io.stillpoint.hypervisor.SnapshotDescriptor;
import io.stillpoint.hypervisor.SnapshotName;
import io.stillpoint.hypervisor.SnapshotRequest;
import io.stillpoint.hypervisor.VirtualMachine;
import io.stillpoint.hypervisor.VmId;
import io.stillpoint.hypervisor.VmIdentity;
import io.stillpoint.platform.Json;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/// A fake VM in a fake hypervisor, with its disks on the heap. Jobs come and go through [#open]; what they leave stays
/// here. A test is the guest ([#write], [#guestWrites]) and the host ([#kill], [#resize], [#migrate], [#lie]).
///
/// Safe for several threads: one at a time is in here.
public final class FakeVm {
    private static final int SECTOR = 512;

    private final String name;
    private final String uuid;
    private final Map<String, FakeDisk> disks = new LinkedHashMap<>();
    private final List<FakeSnapshot> snapshots = new ArrayList<>();

    /// What all disks held at each instant that was taken, by the generations that began there.
    private final Map<String, byte[]> instants = new HashMap<>();

    private final Random random;
    private @Nullable FakeGuest guest;
    private @Nullable FakeVmConnection owner;

    /// Counts the processes of the hypervisor that the VM has run in.
    private int run = 1;

    private int migrations;
    private boolean isOn = true;
    private boolean isPaused;
    private boolean isMigrating;
    private boolean lies;
    private int writesPerCall;

    /// A VM that runs.
    ///
    /// @param disks the size of each in bytes, by its name; a multiple of 512
    /// @param seed of what its guest writes
    public FakeVm(String name, Map<String, Integer> disks, long seed) {
        this.name = name;
        this.uuid = UUID.nameUUIDFromBytes(name.getBytes(StandardCharsets.UTF_8)).toString();
        this.random = new Random(seed);
        new TreeMap<>(disks)
                .forEach((disk, size) -> this.disks.put(disk, new FakeDisk(disk, "raw", size)));
    }

    public String name() {
        return name;
    }

    public VmId id() {
        return VmId.of(identity());
    }

    /// Whether it runs, stands still or is off.
    public synchronized Hypervisor.Power power() {
        if (!isOn) {
            return Hypervisor.Power.OFF;
        }
        return isPaused ? Hypervisor.Power.PAUSED : Hypervisor.Power.RUNNING;
    }

    /// The names of its disks.
    public synchronized List<String> disks() {
        return List.copyOf(disks.keySet());
    }

    /// Gives it a guest with an agent: while that has its file systems frozen, [#guestWrites] writes nothing.
    public synchronized void boot(FakeGuest system) {
        guest = system;
    }

    /// A job's end.
    ///
    /// Throws a [HypervisorException] of kind UNREACHABLE if the VM does not run or another job has it.
    public VirtualMachine open() {
        return open(CallGate.OPEN);
    }

    /// As above, for a process that ends or fails where the gate says.
    public synchronized VirtualMachine open(CallGate gate) {
        gate.pass("open");
        requireOn();
        if (owner != null) {
            throw new HypervisorException(Kind.UNREACHABLE, "vm.locked", null, name, "a lock");
        }
        owner = new FakeVmConnection(this, gate, run);
        return owner;
    }

    /// What the system does when a job's process has ended, however it ended: its lock is free. What it has put into the
    /// hypervisor stays.
    public synchronized void processEnded() {
        owner = null;
    }

    synchronized void leave(FakeVmConnection connection) {
        if (connection.equals(owner)) {
            owner = null;
        }
    }

    // The guest.

    /// Writes as a guest does, whether its file systems are frozen or not.
    ///
    /// @param offset in bytes
    public synchronized void write(String disk, long offset, byte[] bytes) {
        if (bytes.length == 0) {
            return;
        }
        FakeDisk written = disk(disk);
        int from = Math.toIntExact(offset);
        for (int block = from / FakeDisk.BLOCK;
                block <= (from + bytes.length - 1) / FakeDisk.BLOCK;
                block++) {
            int number = block;
            snapshots.forEach(snapshot -> snapshot.save(written, number));
            if (!lies) {
                written.note(block);
            }
        }
        written.write(from, bytes);
    }

    /// Writes some sectors that its seed draws, unless its file systems are frozen or it does not run. Some of what is
    /// written is zeros, and some was there before.
    ///
    /// @return whether it wrote
    public synchronized boolean guestWrites(int count) {
        FakeGuest system = guest;
        if (!isOn || isPaused || (system != null && system.isFrozen())) {
            return false;
        }
        for (int i = 0; i < count; i++) {
            FakeDisk disk = List.copyOf(disks.values()).get(random.nextInt(disks.size()));
            byte[] bytes = new byte[SECTOR * (1 + random.nextInt(8))];
            switch (random.nextInt(4)) {
                case 0 -> {}
                case 1 -> Arrays.fill(bytes, (byte) random.nextInt(4));
                default -> random.nextBytes(bytes);
            }
            int room = (disk.size() - bytes.length) / SECTOR;
            if (room > 0) {
                write(disk.name, (long) SECTOR * random.nextInt(room), bytes);
            }
        }
        return true;
    }

    /// From now on the guest writes so many times with each call of a job.
    public synchronized void setWritesPerCall(int count) {
        writesPerCall = count;
    }

    /// What a disk holds now.
    public synchronized byte[] content(String disk) {
        return disk(disk).content();
    }

    /// What the disk held at the instant when this generation began; empty if none did.
    public synchronized Optional<byte[]> contentAt(String generation) {
        return Optional.ofNullable(instants.get(generation)).map(byte[]::clone);
    }

    // The host.

    /// The hypervisor's process ends without notice: with it go the snapshots and all records of changes, but not what
    /// lies in the scratch folder.
    public synchronized void kill() {
        isOn = false;
        disks.values().forEach(FakeDisk::endAll);
        snapshots.forEach(snapshot -> snapshot.fail(gone()));
    }

    /// Runs in a new process of the hypervisor.
    public synchronized void start() {
        isOn = true;
        run++;
    }

    /// The guest stands still and writes nothing; it can be backed up.
    public synchronized void setPaused(boolean paused) {
        isPaused = paused;
    }

    /// A migration begins: whatever snapshot is held is given up, and there can be none until [#endMigration].
    public synchronized void migrate() {
        isMigrating = true;
        snapshots.forEach(snapshot ->
                snapshot.fail(
                        new HypervisorException(
                                Kind.SNAPSHOT_BROKEN, "snapshot.migration", null, name)));
    }

    /// The scratch space is used up, by whomever: whatever snapshot is held breaks.
    public synchronized void useUpScratch() {
        snapshots.forEach(FakeSnapshot::failForRoom);
    }

    /// The VM was away and is back: what was written there is in no record.
    public synchronized void endMigration() {
        isMigrating = false;
        migrations++;
    }

    /// Makes a disk longer or shorter.
    public synchronized void resize(String disk, int size) {
        FakeDisk resized = disk(disk);
        snapshots.forEach(snapshot -> snapshot.saveBehind(resized, size));
        resized.resize(size);
    }

    /// From now on the hypervisor records no changes and says that it does. No real one should.
    public synchronized void lie(boolean isLying) {
        lies = isLying;
    }

    /// The record of changes of all disks is lost, as if it had never been.
    public synchronized void loseRecords() {
        disks.values().forEach(FakeDisk::endAll);
    }

    /// The names of all that jobs have left, but for records of changes.
    public synchronized List<String> traces() {
        return snapshots.stream().flatMap(snapshot -> snapshot.traces().stream()).toList();
    }

    /// Whether a job has it.
    public synchronized boolean isTaken() {
        return owner != null;
    }

    // For connections, which hold this VM's monitor.

    /// What every call of a job begins with.
    void pass(CallGate gate, String call, int opened) {
        gate.pass(call);
        guestWrites(writesPerCall);
        if (!isOn || opened != run) {
            throw gone();
        }
    }

    HypervisorException gone() {
        return new HypervisorException(Kind.UNREACHABLE, "snapshot.lost", null, name, "it ended");
    }

    private void requireOn() {
        if (!isOn) {
            throw new HypervisorException(
                    Kind.UNREACHABLE, "qmp.no-monitor", null, name, "nobody answers");
        }
    }

    boolean isRunning() {
        return !isPaused;
    }

    boolean isMigrating() {
        return isMigrating;
    }

    synchronized VmIdentity identity() {
        return new VmIdentity(
                uuid, "fake", "fake", Integer.toString(run), name, List.of("/" + name), List.of());
    }

    synchronized ObjectNode configuration() {
        ObjectNode configuration =
                Json.object().put("name", name).put("uuid", uuid).put("hypervisor", "fake");
        ArrayNode list = configuration.putArray("disks");
        for (FakeDisk disk : disks.values()) {
            list.addObject()
                    .put("name", disk.name)
                    .put("format", disk.format)
                    .put("size", disk.size());
        }
        return configuration;
    }

    FakeSnapshot prepare(SnapshotRequest request) {
        for (FakeSnapshot left : snapshots) {
            SnapshotName found = left.request.name();
            boolean isKept = request.kept().contains(found) && left.run == run;
            if (isKept && !found.equals(request.name())) {
                throw new HypervisorException(Kind.BUSY, "vm.snapshot-kept", null, name, found);
            }
        }
        // All that is here was left by jobs that ended, and no journal names it.
        List.copyOf(snapshots).forEach(left -> release(left, false));
        FakeSnapshot snapshot = new FakeSnapshot(request, run, configuration());
        int index = 0;
        for (FakeDisk disk : disks.values()) {
            String generation =
                    request.generation().substring(0, 8) + String.format("%08x", ++index);
            snapshot.disks.add(
                    new FakeSnapshot.HeldState(disk, generation, whyUnknown(disk, request)));
            disk.endOthers(
                    request.lineage(),
                    Optional.ofNullable(request.previousGenerations().get(disk.name)).orElse(""));
        }
        snapshots.add(snapshot);
        return snapshot;
    }

    /// Taken up by another process. What is not whole is gone then.
    FakeSnapshot adopt(SnapshotDescriptor descriptor) {
        for (FakeSnapshot left : List.copyOf(snapshots)) {
            if (left.request.name().equals(descriptor.name())) {
                if (left.run == run && left.isWhole()) {
                    return left;
                }
                snapshots.remove(left);
            }
        }
        throw new HypervisorException(
                Kind.SNAPSHOT_BROKEN, "snapshot.not-whole", null, name, descriptor.name());
    }

    private Optional<Reason> whyUnknown(FakeDisk disk, SnapshotRequest request) {
        String wanted = request.previousGenerations().get(disk.name);
        if (wanted == null) {
            return Optional.of(Reason.FIRST_BACKUP);
        }
        JsonNode before = request.previousRecording();
        if (!disk.records(request.lineage(), wanted)) {
            if (before.path("run").asInt(0) != run) {
                return Optional.of(Reason.RESTARTED);
            }
            return Optional.of(
                    disk.recordsAny(request.lineage()) ? Reason.OTHER_GENERATION : Reason.MISSING);
        }
        if (before.path("migrations").asInt(0) != migrations) {
            return Optional.of(Reason.MIGRATED);
        }
        return before.path("sizes").path(disk.name).asInt(0) == disk.size()
                ? Optional.empty()
                : Optional.of(Reason.RESIZED);
    }

    ObjectNode recording() {
        ObjectNode recording = Json.object().put("run", run).put("migrations", migrations);
        ObjectNode sizes = recording.putObject("sizes");
        disks.values().forEach(disk -> sizes.put(disk.name, disk.size()));
        return recording;
    }

    void take(FakeSnapshot snapshot) {
        snapshot.take(recording());
        snapshot.disks.forEach(held -> instants.put(held.generation, held.disk.content()));
    }

    /// As the next preparation would, but at once; and of the two records of changes one remains.
    void release(FakeSnapshot snapshot, boolean keepsChanges) {
        if (!snapshots.remove(snapshot)) {
            return;
        }
        String lineage = snapshot.request.lineage();
        for (FakeSnapshot.HeldState held : snapshot.disks) {
            if (!snapshot.isTaken()) {
                continue;
            }
            if (keepsChanges) {
                held.disk.endOthers(lineage, held.generation);
            } else {
                held.disk.end(lineage, held.generation);
            }
        }
    }

    private FakeDisk disk(String disk) {
        return Optional.ofNullable(disks.get(disk))
                .orElseThrow(() -> new IllegalArgumentException(disk));
    }

    /// The generations of all instants that were ever taken.
    public synchronized Set<String> instants() {
        return new HashSet<>(instants.keySet());
    }
}
