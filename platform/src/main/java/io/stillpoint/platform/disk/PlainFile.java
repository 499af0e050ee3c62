package io.stillpoint.platform.disk;

import io.stillpoint.platform.natives.FolderHandle;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.FileSystemException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/// Small files of ours in folders where others might write too.
public final class PlainFile {
    private PlainFile() {}

    /// The content of a file that is neither a link nor a pipe nor anything else but a file. Throws
    /// [java.nio.file.NoSuchFileException], and [FileSystemException] if it is longer than expected.
    ///
    /// @param bytesMax the most that is read
    public static byte[] read(Path file, int bytesMax) throws IOException {
        Path absolute = file.toAbsolutePath();
        Path parent = absolute.getParent();
        try (FolderHandle folder = FolderHandle.open(parent == null ? absolute : parent);
                FileChannel channel =
                        folder.open(FolderHandle.name(absolute), StandardOpenOption.READ)) {
            if (channel.size() > bytesMax) {
                throw new FileSystemException(file.toString(), null, "File too large");
            }
            ByteBuffer content = ByteBuffer.allocate((int) channel.size());
            while (content.hasRemaining() && channel.read(content) >= 0) {
                // Until it is full, or the file was cut meanwhile.
            }
            byte[] bytes = new byte[content.position()];
            content.flip().get(bytes);
            return bytes;
        }
    }
}
