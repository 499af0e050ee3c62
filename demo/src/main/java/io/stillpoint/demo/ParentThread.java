package io.stillpoint.demo;

import java.io.IOException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/// Starts processes that die with this one, even if this one is killed.
///
/// Linux sends the signal of `PR_SET_PDEATHSIG` when the THREAD that started the child ends (prctl(2)), not only
/// its process. So all are started by one thread that lives as long as the JVM. The JDK's launcher
/// (`jspawnhelper`) becomes the child itself, without a process in between.
final class ParentThread {
    private static final ExecutorService THREAD =
            Executors.newSingleThreadExecutor(
                    Thread.ofPlatform().daemon().name("parent-of-vms").factory());

    private ParentThread() {}

    static Process start(ProcessBuilder builder) throws IOException, InterruptedException {
        try {
            return THREAD.submit(builder::start).get();
        } catch (ExecutionException e) {
            if (e.getCause() instanceof IOException failure) {
                throw new IOException(failure.getMessage(), failure);
            }
            throw new IllegalStateException(e.getCause());
        }
    }
}
