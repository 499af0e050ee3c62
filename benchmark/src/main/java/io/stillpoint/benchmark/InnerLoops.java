package io.stillpoint.benchmark;

import io.stillpoint.platform.Randomness;
import io.stillpoint.vault.crypto.ItemHasher;
import io.stillpoint.vault.crypto.ItemId;
import io.stillpoint.vault.crypto.ObjectKind;
import io.stillpoint.vault.crypto.Sealer;
import io.stillpoint.vault.crypto.Slice;
import io.stillpoint.vault.crypto.VaultKeys;
import io.stillpoint.vault.store.ObjectId;
import java.util.Arrays;
import java.util.concurrent.TimeUnit;
import javax.crypto.SecretKey;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/// What is done to every chunk, one chunk at a time.
@State(Scope.Thread)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.SECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 3, time = 1)
@Fork(1)
public class InnerLoops {
    private static final int CHUNK = 65_536;

    private final VaultKeys keys = new VaultKeys(new ObjectId(1, 2), new byte[32]);
    private final ItemHasher hasher = new ItemHasher(keys);
    private final Sealer sealer = new Sealer();
    private final SecretKey key = keys.objectKey(ObjectKind.DATA_PACK, new ObjectId(3, 4));
    private final byte[] chunk = Randomness.secure().bytes(CHUNK);
    private final byte[] zeros = new byte[CHUNK];
    private final byte[] sealed = new byte[CHUNK + Sealer.TAG];
    private long offset;

    /// The id of a chunk.
    @Benchmark
    public ItemId id() {
        return hasher.chunk(chunk, 0, CHUNK);
    }

    /// Whether a chunk is all zeros, at worst.
    @Benchmark
    public boolean isZeros() {
        return Arrays.equals(zeros, 0, CHUNK, sealed, 0, CHUNK);
    }

    /// The encryption of a chunk.
    @Benchmark
    public byte[] seal() {
        sealer.seal(key, offset++, Slice.NONE, Slice.of(chunk), Slice.of(sealed));
        return sealed;
    }
}
