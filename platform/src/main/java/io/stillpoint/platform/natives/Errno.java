package io.stillpoint.platform.natives;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/// The C library's error numbers in words (`strerror`, strerror(3)).
final class Errno {
    private static final long TEXT_MAX = 1024;

    private Errno() {}

    /// Such as `No space left on device`.
    @SuppressWarnings("restricted") // the reason of this package
    static String text(int error) {
        try {
            MemorySegment text = (MemorySegment) Calls.STRERROR.invokeExact(error);
            return text.reinterpret(TEXT_MAX).getString(0);
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

        static final MethodHandle STRERROR =
                LINKER.downcallHandle(
                        LINKER.defaultLookup().findOrThrow("strerror"),
                        FunctionDescriptor.of(ADDRESS, JAVA_INT));

        private Calls() {}
    }
}
