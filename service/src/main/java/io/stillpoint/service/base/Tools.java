package io.stillpoint.service.base;

import io.stillpoint.hypervisor.qemu.QemuSettings;
import io.stillpoint.platform.ProcessResources;
import io.stillpoint.platform.Randomness;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.time.InstantSource;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;

/// What all parts of the service are given to work with.
///
/// @param process what all jobs share
/// @param environment the process's variables, where a store's credentials may be
/// @param guardian ends what is stopped in a VM when this process is killed
/// @param log takes a line for the operator: what happened, in the root language
/// @param writer the program's version, noted in points
public record Tools(
        ProcessResources process,
        InstantSource clock,
        Randomness randomness,
        Map<String, String> environment,
        Optional<QemuSettings.Guardian> guardian,
        Consumer<String> log,
        String writer) {
    private static final int TRACE_MAX = 20;

    /// Writes into the log where something went wrong that never should.
    public void defect(RuntimeException e) {
        StringWriter trace = new StringWriter();
        e.printStackTrace(new PrintWriter(trace));
        trace.toString().lines().limit(TRACE_MAX).forEach(log);
    }
}
