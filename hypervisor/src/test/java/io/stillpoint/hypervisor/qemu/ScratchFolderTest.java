package io.stillpoint.hypervisor.qemu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stillpoint.hypervisor.Binaries;
import io.stillpoint.hypervisor.HypervisorException;
import io.stillpoint.platform.natives.OwnedDescriptor;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Whoever made the folder, or stands in its way, can't lead anything of ours elsewhere.
class ScratchFolderTest {
    @TempDir Path folder;

    private static void giveToNobody(Path path) {
        Binaries.requireRoot("only root gives files away");
        Binaries.run("chown", "-h", "nobody", path.toString());
    }

    private static void refused(String code, ThrowingCallable action) {
        assertThatThrownBy(action)
                .isInstanceOfSatisfying(
                        HypervisorException.class, e -> assertThat(e.code()).isEqualTo(code));
    }

    @Test
    void newFolderIsForThisUserAlone() throws IOException {
        Path wanted = folder.resolve("a").resolve("scratch");
        try (ScratchFolder scratch = ScratchFolder.open(wanted)) {
            assertThat(scratch.path()).isEqualTo(wanted);
            assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(wanted)))
                    .isEqualTo("rwx------");
            scratch.newFile("image").close();
            assertThat(
                            PosixFilePermissions.toString(
                                    Files.getPosixFilePermissions(wanted.resolve("image"))))
                    .isEqualTo("rw-------");
            assertThat(scratch.names("im*")).containsExactly("image");
            scratch.remove("image");
            assertThat(wanted).isEmptyDirectory();
        }
    }

    @Test
    void folderOfAnotherUserIsRefused() throws IOException {
        Path theirs = Files.createDirectory(folder.resolve("theirs"));
        giveToNobody(theirs);
        refused("scratch.not-ours", () -> ScratchFolder.open(theirs));
        assertThat(ScratchFolder.find(theirs)).isEmpty();
    }

    @Test
    void linkOfAnotherUserIsRefusedEvenIfItLeadsToAFolderOfOurs() throws IOException {
        Path ours = Files.createDirectory(folder.resolve("ours"));
        Path link = Files.createSymbolicLink(folder.resolve("link"), ours);
        giveToNobody(link);
        refused("scratch.link", () -> ScratchFolder.open(link));
        refused("scratch.link", () -> ScratchFolder.open(link.resolve("deeper")));
        assertThat(ours).isEmptyDirectory();
    }

    @Test
    void ownLinkIsFollowed() throws IOException {
        Path ours = Files.createDirectory(folder.resolve("ours"));
        Files.setPosixFilePermissions(ours, PosixFilePermissions.fromString("rwx------"));
        Path link = Files.createSymbolicLink(folder.resolve("link"), ours);
        try (ScratchFolder scratch = ScratchFolder.open(link)) {
            assertThat(scratch.path()).isEqualTo(ours);
        }
    }

    @Test
    void folderThatOthersMadeInASharedOneIsRefused() throws IOException {
        Path shared = Files.createDirectory(folder.resolve("shared"));
        Binaries.run("chmod", "1777", shared.toString());
        Path planted =
                Files.createDirectory(shared.resolve("stillpoint-" + OwnedDescriptor.user()));
        giveToNobody(planted);
        refused("scratch.not-ours", () -> ScratchFolder.open(shared));
    }

    @Test
    void linkThatOthersPutWhereOurFolderWouldBeIsRefused() throws IOException {
        Path shared = Files.createDirectory(folder.resolve("shared"));
        Path victim = Files.createDirectory(folder.resolve("victim"));
        Binaries.run("chmod", "1777", shared.toString());
        Files.createSymbolicLink(shared.resolve("stillpoint-" + OwnedDescriptor.user()), victim);
        refused("scratch.folder", () -> ScratchFolder.open(shared));
        assertThat(victim).isEmptyDirectory();
    }

    @Test
    void fileThatIsThereIsNeitherOverwrittenNorFollowed() throws IOException {
        Path victim = Files.writeString(folder.resolve("victim"), "untouched");
        Path wanted = folder.resolve("scratch");
        try (ScratchFolder scratch = ScratchFolder.open(wanted)) {
            Files.createSymbolicLink(wanted.resolve("image"), victim);
            Files.createSymbolicLink(wanted.resolve("socket"), victim);
            refused("scratch.folder", () -> scratch.newFile("image"));
            scratch.newSocket("socket").close();
            scratch.remove("image");
            scratch.remove("socket");
        }
        assertThat(victim).hasContent("untouched");
    }

    @Test
    void removalReachesOnlyTheFolderThatIsHeld() throws IOException {
        Path wanted = folder.resolve("scratch");
        Path victim = Files.createDirectory(folder.resolve("victim"));
        Files.writeString(victim.resolve("image"), "untouched");
        try (ScratchFolder scratch = ScratchFolder.open(wanted)) {
            scratch.newFile("image").close();
            Files.move(wanted, folder.resolve("moved"));
            Files.createSymbolicLink(wanted, victim);
            scratch.remove("image");
        }
        assertThat(victim.resolve("image")).hasContent("untouched");
        assertThat(folder.resolve("moved")).isEmptyDirectory();
    }
}
