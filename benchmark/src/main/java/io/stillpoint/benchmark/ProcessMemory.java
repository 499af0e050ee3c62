package io.stillpoint.benchmark;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/// What Linux says of this process's memory, and what the heap holds.
public record ProcessMemory(double rssMib, double peakMib) {
    public static ProcessMemory now() throws IOException {
        return new ProcessMemory(status("VmRSS:"), status("VmHWM:"));
    }

    private static double status(String field) throws IOException {
        for (String line : Files.readAllLines(Path.of("/proc/self/status"))) {
            if (line.startsWith(field)) {
                return Long.parseLong(line.replaceAll("\\D", "")) / 1024.0;
            }
        }
        throw new IOException("no " + field + " in /proc/self/status");
    }

    /// Bytes on the heap that are in use, garbage left out.
    public static long heap() {
        Runtime.getRuntime().gc();
        return Runtime.getRuntime().totalMemory() - Runtime.getRuntime().freeMemory();
    }
}
