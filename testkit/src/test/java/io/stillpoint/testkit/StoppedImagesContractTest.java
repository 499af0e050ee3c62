package io.stillpoint.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import io.stillpoint.hypervisor.ChangedBlocks;
import io.stillpoint.hypervisor.HeldSnapshot;
import io.stillpoint.hypervisor.HypervisorException.Kind;
import io.stillpoint.hypervisor.VirtualMachine;
import io.stillpoint.hypervisor.images.ImageFile;
import io.stillpoint.hypervisor.images.StoppedImages;
import io.stillpoint.platform.Threads;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

/// The images of a VM that is off: raw ones, which need no program of QEMU.
final class StoppedImagesContractTest extends VirtualMachineContract {
    @Override
    protected TestedVm start(Path folder) {
        return new Tested(folder);
    }

    @Test
    void whatIsWrittenMeanwhileIsNoticed() {
        try (VirtualMachine opened = vm().open();
                HeldSnapshot snapshot = take(opened, request(Kept.NOTHING))) {
            assertThat(opened.running()).isFalse();
            snapshot.proveValid();
            write("d1", 0, 512, 1);
            requireKind(Kind.IMAGE, snapshot::proveValid);
        }
    }

    @Test
    void filesRecordNoChanges() {
        Kept kept = backUp(Kept.NOTHING);
        assertThat(kept.generations()).isEmpty();
        try (VirtualMachine opened = vm().open();
                HeldSnapshot snapshot = take(opened, request(kept))) {
            assertThat(reason(disk(snapshot, "d1"))).isEqualTo(ChangedBlocks.Reason.NOT_SUPPORTED);
        }
    }

    private static final class Tested implements TestedVm {
        private final Path folder;

        Tested(Path folder) {
            this.folder = folder;
            for (String disk : disks()) {
                write(disk, DISK_BYTES - 512, 512, 0);
            }
        }

        private Path image(String disk) {
            return folder.resolve(disk + ".raw");
        }

        @Override
        public List<String> disks() {
            return List.of("d1", "d2");
        }

        @Override
        public VirtualMachine open() {
            List<ImageFile> images =
                    disks().stream()
                            .map(disk -> ImageFile.of(image(disk)).withFormat("raw"))
                            .toList();
            return StoppedImages.of("stopped", images, Threads.ofProcess());
        }

        @Override
        public void write(String disk, long offset, int length, int pattern) {
            byte[] bytes = new byte[length];
            Arrays.fill(bytes, (byte) pattern);
            try (FileChannel channel =
                    FileChannel.open(
                            image(disk), StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
                ByteBuffer buffer = ByteBuffer.wrap(bytes);
                for (long at = offset; buffer.hasRemaining(); ) {
                    at += channel.write(buffer, at);
                }
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }

        /// Nothing is ever put anywhere.
        @Override
        public List<String> traces() {
            try (var files = Files.list(folder)) {
                return files.map(file -> file.getFileName().toString())
                        .filter(name -> !name.endsWith(".raw"))
                        .toList();
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }

        @Override
        public void kill() {}

        @Override
        public void start() {}

        @Override
        public void close() {}
    }
}
