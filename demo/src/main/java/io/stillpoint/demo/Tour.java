package io.stillpoint.demo;

import io.stillpoint.demo.DemoException.Kind;
import io.stillpoint.engine.JobEvents;
import io.stillpoint.engine.JobTools;
import io.stillpoint.engine.MemoryJournal;
import io.stillpoint.engine.RestoreJob;
import io.stillpoint.engine.RestoreTask;
import io.stillpoint.hypervisor.images.RestoreTarget;
import io.stillpoint.platform.ByteSize;
import io.stillpoint.platform.Cancellation;
import io.stillpoint.platform.Randomness;
import io.stillpoint.platform.Threads;
import io.stillpoint.platform.disk.Reason;
import io.stillpoint.platform.text.Text;
import io.stillpoint.service.base.Tools;
import io.stillpoint.vault.Vault;
import io.stillpoint.vault.crypto.KeyFile;
import io.stillpoint.vault.point.PointDisk;
import io.stillpoint.vault.point.RecoveryPoint;
import io.stillpoint.vault.store.LocalStore;
import io.stillpoint.vault.store.ObjectId;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.LocalTime;
import java.time.ZoneOffset;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;

/// The guided tour: the service backs up a real VM twice by its schedule, the points are restored and booted again, and each
/// claim is checked against what the guest itself says. Works in a folder of its own that is deleted at the end; leaves nothing running.
public final class Tour {
    private static final ByteSize DATA_DISK = ByteSize.parse("128M");
    private static final String DATA = "data";
    private static final String ROOT = "root";

    /// From the policy to the slot: long enough that the service knows the policy by then.
    private static final Duration TO_SLOT = Duration.ofSeconds(3);

    private final View view;
    private final Cancellation cancellation;
    private final Vault.Surroundings surroundings;
    private final Randomness randomness;
    private final InstantSource clock;
    private final Threads threads;
    private final Tools tools;

    /// The service's clock.
    private volatile Duration ahead = Duration.ZERO;

    /// Shows the tour to somebody.
    public interface View extends JobEvents {
        /// The next thing that is done.
        void chapter(Text text);

        /// Something that was found out.
        void finding(Text text);

        /// The recovery points that were made.
        void points(List<RecoveryPoint> points);
    }

    /// @param writer the program's version, noted in the points
    public Tour(
            View view, Cancellation cancellation, Vault.Surroundings surroundings, String writer) {
        this.view = view;
        this.cancellation = cancellation;
        this.surroundings = surroundings;
        randomness = surroundings.randomness();
        clock = surroundings.clock();
        threads = surroundings.process().threads();
        tools =
                new Tools(
                        surroundings.process(),
                        () -> clock.instant().plus(ahead),
                        randomness,
                        Map.of(),
                        Optional.empty(),
                        _ -> {},
                        writer);
    }

    /// A recovery point and what the guest said its data disk was.
    private record Proof(RecoveryPoint point, String sha256) {}

    /// Goes through the whole tour. Throws at the first claim that does not hold.
    public void run() {
        chapter("tour.guest");
        GuestImage guest = GuestImage.ensure(line -> view.finding(Text.verbatim(line)));
        try (WorkFolder work = WorkFolder.make()) {
            KeyFile key = KeyFile.create(work.file("key"), randomness);
            Vault.init(new LocalStore(work.file("vault")), key, surroundings).close();
            List<Proof> proofs = backUp(guest, work);
            view.points(proofs.stream().map(Proof::point).toList());
            boolean _ =
                    look(
                            work,
                            vault -> {
                                restore(guest, work, vault, proofs);
                                chapter("tour.verify");
                                var found = vault.verify(cancellation, _ -> {});
                                require(found.isSound(), "tour.not-sound", found.problems());
                                finding("tour.sound", new ByteSize(found.bytes()));
                                return true;
                            });
        }
        chapter("tour.done");
    }

    private List<Proof> backUp(GuestImage guest, WorkFolder work) {
        Path root = work.file("root.raw");
        Path data = work.file("data.qcow2");
        guest.copyRootTo(root);
        try (RestoreTarget empty = RestoreTarget.createQcow2(data, DATA_DISK.bytes(), threads)) {
            empty.commit();
        }
        List<Proof> proofs = new ArrayList<>();
        chapter("tour.boot", DATA_DISK);
        try (QemuProcess vm =
                        QemuProcess.start(
                                VmLaunch.fromDisk(
                                        "demo",
                                        guest,
                                        VmDisk.raw(ROOT, root),
                                        VmDisk.qcow2(DATA, data)));
                DemoGuest inside = DemoGuest.await(vm, cancellation, randomness, threads)) {
            finding("tour.booted", inside.uptime());
            chapter("tour.write");
            inside.makeDataDisk(DATA);
            chapter("tour.service");
            try (TourService service = TourService.start(work.folder(), vm, view, tools)) {
                finding("tour.found", service.awaitVm(cancellation));
                proofs.add(backUp(service, inside, work, "tour.full"));
                inside.changeDataDisk(DATA);
                proofs.add(backUp(service, inside, work, "tour.incremental"));
            }
            finding("tour.released", work.scratchFiles());
            require(work.scratchFiles() == 0, "tour.left", work.file("scratch"));
            inside.powerOff(vm);
        }
        PointDisk disk = proofs.getLast().point().disk(DATA).orElseThrow();
        require(
                disk.method() == PointDisk.Method.INCREMENTAL,
                "tour.not-incremental",
                disk.method().word(),
                disk.reason());
        return proofs;
    }

    /// By the schedule: the policy's next slot is seconds away.
    private Proof backUp(TourService service, DemoGuest inside, WorkFolder work, String chapter) {
        String sha256 = inside.sha256OfDataDisk();
        finding("tour.guest-says", sha256);
        LocalTime slot = LocalTime.ofInstant(nextSlot(), ZoneOffset.UTC);
        chapter(chapter, slot);
        String id = service.backUpAt(slot, cancellation);
        RecoveryPoint point = look(work, vault -> vault.point(ObjectId.parse(id)).orElseThrow());
        finding(
                "tour.point",
                point.id().toString().substring(0, 12),
                new ByteSize(point.size()),
                new ByteSize(point.changedBytes()),
                new ByteSize(point.storedBytes()),
                point.consistency().word(),
                Long.toString(point.frozenMillis().orElse(0)));
        return new Proof(point, sha256);
    }

    /// Slots are whole minutes. Nobody shall wait for one, so the service's clock is put shortly before the next.
    private Instant nextSlot() {
        Instant now = tools.clock().instant();
        Instant slot = now.plus(TO_SLOT).truncatedTo(ChronoUnit.MINUTES).plusSeconds(60);
        ahead = ahead.plus(Duration.between(now, slot.minus(TO_SLOT)));
        return slot;
    }

    private <T> T look(WorkFolder work, Function<Vault, T> question) {
        try (Vault vault =
                Vault.open(
                        new LocalStore(work.file("vault")),
                        KeyFile.read(work.file("key")),
                        surroundings)) {
            return question.apply(vault);
        }
    }

    private void restore(GuestImage guest, WorkFolder work, Vault vault, List<Proof> proofs) {
        Path last = work.file("unused");
        int number = 0;
        for (Proof proof : proofs) {
            number++;
            chapter("tour.restore", Integer.toString(number));
            last = restore(vault, proof.point(), DATA, work.file("restored-" + number + ".raw"));
            String restored = FileDigest.of(last);
            require(
                    restored.equals(proof.sha256()),
                    "tour.differs",
                    last,
                    proof.sha256(),
                    restored);
            finding("tour.equal", restored);
        }
        Path root = restore(vault, proofs.getLast().point(), ROOT, work.file("restored-root.raw"));
        chapter("tour.reboot");
        try (QemuProcess vm =
                        QemuProcess.start(
                                VmLaunch.fromDisk(
                                        "demo-restored",
                                        guest,
                                        VmDisk.raw(ROOT, root),
                                        VmDisk.raw(DATA, last)));
                DemoGuest inside = DemoGuest.await(vm, cancellation, randomness, threads)) {
            finding("tour.booted", inside.uptime());
            finding("tour.files-equal", Integer.toString(inside.checkFiles(DATA)));
            inside.powerOff(vm);
        }
    }

    private Path restore(Vault vault, RecoveryPoint point, String name, Path file) {
        new RestoreJob(vault, tools())
                .run(point, List.of(new RestoreTask(name, file, RestoreTask.Form.RAW)))
                .orThrow();
        return file;
    }

    private JobTools tools() {
        return new JobTools(new MemoryJournal(), view, cancellation, clock, randomness, threads);
    }

    private void chapter(String key, Object... arguments) {
        cancellation.check();
        view.chapter(Text.of(Tour.class, key, arguments));
    }

    private void finding(String key, Object... arguments) {
        view.finding(Text.of(Tour.class, key, arguments));
    }

    private static void require(boolean claim, String key, Object... arguments) {
        if (!claim) {
            throw new DemoException(Kind.CLAIM, key, null, arguments);
        }
    }

    /// A folder that is deleted with all that is in it.
    private record WorkFolder(Path folder) implements AutoCloseable {
        static WorkFolder make() {
            try {
                return new WorkFolder(Files.createTempDirectory("stillpoint-demo-"));
            } catch (IOException e) {
                throw new DemoException(Kind.REQUEST, "tour.work-folder", e, Reason.of(e));
            }
        }

        Path file(String name) {
            return folder.resolve(name);
        }

        int scratchFiles() {
            try (var files = Files.list(file("scratch"))) {
                return (int) files.filter(Files::isRegularFile).count();
            } catch (IOException e) {
                throw new DemoException(Kind.REQUEST, "tour.work-folder", e, Reason.of(e));
            }
        }

        @Override
        public void close() {
            try (var files = Files.walk(folder)) {
                for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                    Files.deleteIfExists(file);
                }
            } catch (IOException e) {
                throw new DemoException(Kind.REQUEST, "tour.work-folder", e, Reason.of(e));
            }
        }
    }
}
