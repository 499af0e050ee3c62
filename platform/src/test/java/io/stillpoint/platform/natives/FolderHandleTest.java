package io.stillpoint.platform.natives;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(20)
final class FolderHandleTest {
    @TempDir Path temporary;
    private Path victim;
    private Path folder;
    private FolderHandle handle;

    @BeforeEach
    void open() throws IOException {
        victim = Files.createDirectory(temporary.resolve("victim"));
        Files.writeString(victim.resolve("precious"), "precious");
        folder = Files.createDirectory(temporary.resolve("folder"));
        Files.writeString(folder.resolve("file"), "content");
        Files.createDirectory(folder.resolve("sub"));
        Files.createSymbolicLink(folder.resolve("link"), victim.resolve("precious"));
        Files.createSymbolicLink(folder.resolve("folder-link"), victim);
        Files.createSymbolicLink(folder.resolve("dangling"), victim.resolve("new"));
        run("mkfifo", folder.resolve("pipe").toString());
        handle = FolderHandle.open(folder);
    }

    @AfterEach
    void close() {
        handle.close();
    }

    private static void run(String... command) throws IOException {
        try {
            assertThat(new ProcessBuilder(command).inheritIO().start().waitFor()).isZero();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void readsAndWritesPlainFiles() throws IOException {
        try (FileChannel file = handle.open("file", StandardOpenOption.READ)) {
            ByteBuffer bytes = ByteBuffer.allocate(20);
            assertThat(file.read(bytes)).isEqualTo(7);
        }
        try (FileChannel file = handle.create("new", 0600)) {
            assertThat(file.write(ByteBuffer.wrap(new byte[] {65, 66}))).isEqualTo(2);
            file.force(true);
        }
        assertThat(folder.resolve("new")).hasContent("AB");
        assertThat(
                        PosixFilePermissions.toString(
                                Files.getPosixFilePermissions(folder.resolve("new"))))
                .isEqualTo("rw-------");
    }

    @Test
    void opensNeitherLinksNorPipesNorFolders() {
        for (String name : List.of("link", "dangling", "folder-link", "pipe")) {
            assertThatThrownBy(() -> handle.open(name, StandardOpenOption.READ))
                    .as(name)
                    .isInstanceOf(OtherTypeException.class)
                    .hasMessageContaining(folder.resolve(name).toString());
            assertThatThrownBy(() -> handle.open(name, StandardOpenOption.WRITE))
                    .isInstanceOf(OtherTypeException.class);
            assertThatThrownBy(() -> handle.folder(name)).isInstanceOf(OtherTypeException.class);
            assertThatThrownBy(() -> handle.tryLock(name, true, 0600, 0, 0))
                    .isInstanceOf(OtherTypeException.class);
        }
        assertThatThrownBy(() -> handle.open("sub", StandardOpenOption.READ))
                .hasMessageContaining("Is a directory");
        assertThatThrownBy(() -> handle.open("nothing", StandardOpenOption.READ))
                .isInstanceOf(NoSuchFileException.class);
        assertThatThrownBy(() -> handle.folder("file")).isInstanceOf(NotDirectoryException.class);
    }

    @Test
    void makesNothingWhereALinkLeads() {
        for (String name : List.of("dangling", "link", "folder-link", "file", "pipe")) {
            assertThatThrownBy(() -> handle.create(name, 0600))
                    .isInstanceOf(FileAlreadyExistsException.class);
            assertThatThrownBy(() -> handle.createFolder(name, 0700))
                    .isInstanceOf(FileAlreadyExistsException.class);
        }
        assertThat(victim.resolve("new")).doesNotExist();
    }

    @Test
    void removesLinksAndNotWhatTheyLeadTo() throws IOException {
        assertThat(handle.unlink("link")).isTrue();
        assertThat(handle.unlink("folder-link")).isTrue();
        assertThat(handle.unlink("pipe")).isTrue();
        assertThat(handle.unlink("link")).isFalse();
        assertThat(victim.resolve("precious")).hasContent("precious");
        assertThatThrownBy(() -> handle.unlink("sub")).isInstanceOf(IOException.class);
        assertThat(handle.removeFolder("sub")).isTrue();
        assertThat(handle.removeFolder("sub")).isFalse();
    }

    @Test
    void folderWithSomethingInItStays() throws IOException {
        Files.writeString(folder.resolve("sub/x"), "x");
        assertThatThrownBy(() -> handle.removeFolder("sub"))
                .isInstanceOf(DirectoryNotEmptyException.class);
    }

    @Test
    void namesAreNeverPaths() {
        for (String name : List.of("", ".", "..", "sub/x", "../victim/precious", "/etc/passwd")) {
            assertThatThrownBy(() -> handle.open(name, StandardOpenOption.READ))
                    .isInstanceOf(IOException.class);
            assertThatThrownBy(() -> handle.unlink(name)).isInstanceOf(IOException.class);
            assertThatThrownBy(() -> handle.status(name)).isInstanceOf(IOException.class);
        }
        assertThat(victim.resolve("precious")).exists();
    }

    @Test
    void linksRenamesAndReplaces() throws IOException {
        try (FolderHandle sub = handle.folder("sub")) {
            handle.link("file", sub, "second");
            assertThat(sub.status("second").orElseThrow().names()).isEqualTo(2);
            assertThatThrownBy(() -> handle.link("file", sub, "second"))
                    .isInstanceOf(FileAlreadyExistsException.class);
            assertThatThrownBy(() -> sub.rename("second", handle, "dangling"))
                    .isInstanceOf(FileAlreadyExistsException.class);
            sub.rename("second", handle, "third");
            assertThat(folder.resolve("third")).hasContent("content");
            handle.replace("third", handle, "link");
        }
        assertThat(folder.resolve("link")).hasContent("content").isRegularFile();
        assertThat(victim.resolve("precious")).hasContent("precious");
    }

    @Test
    void folderStaysTheOneThatWasOpened() throws IOException {
        Files.move(folder, temporary.resolve("moved"));
        Files.createSymbolicLink(folder, victim);
        assertThat(handle.unlink("precious")).isFalse();
        assertThat(handle.status("file")).isPresent();
        handle.createFolder("made", 0700);
        assertThat(temporary.resolve("moved/made")).isDirectory();
        handle.sync();
        assertThat(victim.resolve("precious")).exists();
    }

    @Test
    void pathOfTheOperatorMayLeadThroughLinks() throws IOException {
        Path link = Files.createSymbolicLink(temporary.resolve("by-link"), folder);
        try (FolderHandle followed = FolderHandle.open(link)) {
            assertThat(followed.status().isSame(handle.status())).isTrue();
        }
        assertThatThrownBy(() -> FolderHandle.openUnlinked(link))
                .isInstanceOf(OtherTypeException.class);
        FolderHandle.openUnlinked(folder).close();
    }

    @Test
    void tellsWhatThereIsAndFollowsNothing() throws IOException {
        List<String> names = new ArrayList<>();
        handle.list(names::add);
        assertThat(names)
                .containsExactlyInAnyOrder(
                        "file", "sub", "link", "folder-link", "dangling", "pipe");
        assertThat(type("file")).isEqualTo(FileType.FILE);
        assertThat(type("sub")).isEqualTo(FileType.FOLDER);
        assertThat(type("folder-link")).isEqualTo(FileType.LINK);
        assertThat(type("pipe")).isEqualTo(FileType.PIPE);
        assertThat(handle.status("nothing")).isEmpty();
        FileStatus file = handle.status("file").orElseThrow();
        assertThat(file.size()).isEqualTo(7);
        assertThat(file.modifiedAt())
                .isEqualTo(Files.getLastModifiedTime(folder.resolve("file")).toInstant());
        try (FolderHandle devices = FolderHandle.open(Path.of("/dev"))) {
            assertThat(devices.status("null").orElseThrow().type())
                    .isEqualTo(FileType.CHARACTER_DEVICE);
            assertThatThrownBy(() -> devices.open("null", StandardOpenOption.READ))
                    .isInstanceOf(OtherTypeException.class);
        }
    }

    private FileType type(String name) throws IOException {
        return handle.status(name).orElseThrow().type();
    }

    @Test
    void setsPermissionsOfAFolderWhateverTheUmask() throws IOException {
        try (FolderHandle sub = handle.folder("sub")) {
            sub.setMode(02770);
            assertThat(sub.status().mode()).isEqualTo(02770);
        }
    }
}
