package io.stillpoint.platform.natives;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.util.OptionalInt;

/// How wide a terminal is right now (`ioctl` with TIOCGWINSZ, ioctl_tty(2)); people resize their windows. Linux, 64 bit.
public final class TerminalWidth {
    private static final long TIOCGWINSZ = 0x5413;

    /// Of standard error, where progress is shown.
    public static final int STANDARD_ERROR = 2;

    private TerminalWidth() {}

    /// The columns of the terminal behind a descriptor, 0 if the terminal does not know them; empty if the descriptor leads
    /// to no terminal.
    public static OptionalInt of(int descriptor) {
        try (Arena arena = Arena.ofConfined()) {
            // struct winsize: four unsigned shorts; rows, columns and two of pixels.
            MemorySegment size = arena.allocate(JAVA_SHORT, 4);
            int result = (int) Calls.IOCTL.invokeExact(descriptor, TIOCGWINSZ, size);
            return result == 0
                    ? OptionalInt.of(Short.toUnsignedInt(size.getAtIndex(JAVA_SHORT, 1)))
                    : OptionalInt.empty();
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new AssertionError(e);
        }
    }

    /// Loaded at the first call only.
    @SuppressWarnings("restricted") // the reason of this package
    private static final class Calls {
        private static final Linker LINKER = Linker.nativeLinker();

        static final MethodHandle IOCTL =
                LINKER.downcallHandle(
                        LINKER.defaultLookup().findOrThrow("ioctl"),
                        FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_LONG, ADDRESS),
                        Linker.Option.firstVariadicArg(2));

        private Calls() {}
    }
}
