package io.stillpoint.vault.crypto;

import io.stillpoint.platform.Processors;
import io.stillpoint.platform.Threads;
import io.stillpoint.platform.Undisturbed;
import java.util.concurrent.TimeUnit;
import javax.crypto.SecretKey;
import javax.crypto.spec.SecretKeySpec;

/// Has the JVM compile AES-GCM before there is work for it. Until the compiler has replaced it by the processor's
/// instructions the cipher runs at some 70 MB/s instead of several GB/s, and with frames of megabytes it would run
/// so for seconds: what triggers the compiler is the number of calls, not of bytes. Many small calls take
/// a fraction of a second.
public final class CipherWarmUp implements AutoCloseable {
    private static final int MESSAGE = 1024;
    private static final int BATCH = 64;
    private static final long ENOUGH_NANOS_PER_MESSAGE = 2_000;
    private static final long BUDGET_NANOS = TimeUnit.MILLISECONDS.toNanos(400);

    /// Compiled code is the process's: once is enough, however many jobs it has.
    private static volatile boolean isWarm;

    private final Thread thread;

    private CipherWarmUp(Threads threads) {
        thread = threads.working("cipher-warm-up", CipherWarmUp::run);
    }

    /// Begins in the background, unless the process is warm.
    public static CipherWarmUp start(Threads threads) {
        CipherWarmUp warmUp = new CipherWarmUp(threads);
        if (!isWarm) {
            warmUp.thread.start();
        }
        return warmUp;
    }

    private static void run() {
        warmUp();
        isWarm = true;
    }

    private static void warmUp() {
        Sealer sealer = new Sealer();
        SecretKey key = new SecretKeySpec(new byte[VaultKeys.KEY_LENGTH], "AES");
        Slice plain = Slice.of(new byte[MESSAGE]);
        Slice sealed = Slice.of(new byte[MESSAGE + Sealer.TAG]);
        long begin = System.nanoTime();
        long batchBegin = begin;
        long now = begin;
        // Ends early once it is fast, and at last when it never becomes so: without AES
        // instructions, say.
        for (long offset = 0; now - begin < BUDGET_NANOS; offset += BATCH) {
            for (int i = 0; i < BATCH; i++) {
                sealer.seal(key, offset + i, Slice.NONE, plain, sealed);
                boolean _ = sealer.open(key, offset + i, Slice.NONE, sealed, plain);
            }
            now = System.nanoTime();
            if (now - batchBegin < 2 * BATCH * ENOUGH_NANOS_PER_MESSAGE) {
                return;
            }
            batchBegin = now;
        }
    }

    /// Waits until it is done: less than half a second.
    public void await() {
        if (thread.isAlive()) {
            Processors.aside(() -> Undisturbed.join(thread));
        }
    }

    @Override
    public void close() {
        await();
    }
}
