package io.stillpoint.hypervisor.images;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stillpoint.hypervisor.ChildJvm;
import io.stillpoint.hypervisor.HypervisorException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
final class PartialFileTest {
    @TempDir Path folder;

    /// Another restore, in a process of its own.
    static final class OtherRestore {
        private OtherRestore() {}

        static void main(String[] arguments) {
            try (PartialFile file = PartialFile.create(Path.of(arguments[0]))) {
                System.out.println("writes " + file.partial().getFileName());
            } catch (HypervisorException e) {
                System.out.println(e.code());
            }
        }
    }

    private static String otherRestore(Path target) {
        try (ChildJvm child = new ChildJvm(OtherRestore.class, target.toString())) {
            return child.firstLine();
        }
    }

    @Test
    void secondRestoreInTheProcessDoesNotTakeTheFileFromTheFirst() throws Exception {
        Path target = folder.resolve("disk.raw");
        try (PartialFile first = PartialFile.create(target)) {
            assertThat(first.partial()).exists();
            assertThatThrownBy(() -> PartialFile.create(target))
                    .isInstanceOfSatisfying(
                            HypervisorException.class,
                            e -> assertThat(e.code()).isEqualTo("restore.in-progress"));
            assertThat(first.partial()).exists();
            assertThat(otherRestore(target)).isEqualTo("restore.in-progress");
        }
        assertThat(otherRestore(target)).isEqualTo("writes disk.raw.partial");
    }

    @Test
    void neitherALinkNorAFileWithASecondNameIsEmptied() throws Exception {
        Path victim = Files.writeString(folder.resolve("victim"), "precious");
        Path partial = folder.resolve("disk.raw.partial");
        Files.createSymbolicLink(partial, victim);
        assertThatThrownBy(() -> PartialFile.create(folder.resolve("disk.raw")))
                .hasMessageContaining("symbolic link");
        Files.delete(partial);
        Files.createLink(partial, victim);
        assertThatThrownBy(() -> PartialFile.create(folder.resolve("disk.raw")))
                .hasMessageContaining("second name");
        assertThat(victim).hasContent("precious");
    }
}
