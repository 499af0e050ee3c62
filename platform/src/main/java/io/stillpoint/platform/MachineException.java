package io.stillpoint.platform;

import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collection;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/// This machine, or the surroundings in which the process was started, won't do: memory, native code, the locale.
public final class MachineException extends StillpointException {
    private static final long serialVersionUID = 1L;

    /// There is one only: until this machine is set right, nothing helps.
    public enum Kind implements FailureKind {
        MACHINE;

        @Override
        public boolean retryable() {
            return false;
        }

        @Override
        public Blame blame() {
            return Blame.ENVIRONMENT;
        }
    }

    private MachineException(String code, @Nullable Throwable cause, Object... arguments) {
        super(MachineException.class, Kind.MACHINE, code, cause, Arrays.asList(arguments));
    }

    static MachineException heapTooSmall(long is, long needed) {
        return new MachineException(
                "platform.heap-too-small", null, new ByteSize(is), new ByteSize(needed));
    }

    /// The heap is full, in spite of all budgets.
    public static MachineException noMemory(OutOfMemoryError e) {
        return new MachineException(
                "platform.no-memory", e, new ByteSize(Runtime.getRuntime().maxMemory()));
    }

    /// A native library can't be loaded.
    ///
    /// @param tried folders that it was to be loaded from
    public static MachineException noNativeLibrary(
            String name, String why, Collection<Path> tried, @Nullable LinkageError cause) {
        return new MachineException(
                "platform.native-library",
                cause,
                name,
                why,
                tried.stream().map(Path::toString).collect(Collectors.joining(", ")));
    }

    /// Text was given whose bytes are no characters of the locale.
    ///
    /// @param charset the locale's
    public static MachineException unreadable(String text, String charset) {
        return new MachineException("platform.unreadable-text", null, text, charset);
    }

    /// A file name has characters that the locale lacks.
    ///
    /// @param charset the locale's
    public static MachineException unusable(InvalidPathException path, String charset) {
        return new MachineException("platform.unusable-path", path, path.getInput(), charset);
    }

    /// The user has no home folder.
    ///
    /// @param option by which another folder is named
    public static MachineException noHome(String option) {
        return new MachineException("platform.no-home", null, option);
    }
}
