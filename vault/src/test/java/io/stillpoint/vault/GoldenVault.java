package io.stillpoint.vault;

import io.stillpoint.platform.block.Extent;
import io.stillpoint.vault.crypto.Passphrase;
import io.stillpoint.vault.point.RecoveryPoint;
import io.stillpoint.vault.session.Scan;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;

/// Makes a golden vault: once for each version of the format, and before the first release again when the format
/// changes knowingly (docs/vault-format.md). Its argument is a new folder, such as
/// `vault/src/test/resources/golden/v2`, to which it writes `vault`, `key`, `passphrase` and `expected`: a line for each
/// recovery point, with its id, its disk's size and the SHA-256 of that disk.
///
/// The disk has every kind of chunk: text, bytes that no compression makes smaller, zeros, one that stands twice, and a
/// last one that is not whole. The second point is incremental.
public final class GoldenVault {
    private static final int SIZE = 70 * TestVault.CHUNK + 1000;
    private static final int INCOMPRESSIBLE = 8_000;
    private static final String PASSPHRASE = "gold never rusts, na\u00efve caf\u00e9";

    private GoldenVault() {}

    public static void main(String[] arguments) throws IOException, NoSuchAlgorithmException {
        Path folder = Files.createDirectory(Path.of(arguments[0]));
        byte[] disk = new byte[SIZE];
        for (int chunk : new int[] {0, 1, 2, 5, 64, 70}) {
            int at = chunk * TestVault.CHUNK;
            int end = Math.min(at + TestVault.CHUNK, SIZE);
            Arrays.fill(disk, at, end, (byte) ('a' + chunk % 5));
        }
        System.arraycopy(
                TestVault.random(INCOMPRESSIBLE, 1), 0, disk, TestVault.CHUNK, INCOMPRESSIBLE);
        List<String> expected = new ArrayList<>();
        try (TestVault vault = TestVault.make(folder)) {
            RecoveryPoint first = vault.full(disk);
            expected.add(line(first, disk));
            int changed = 66 * TestVault.CHUNK;
            System.arraycopy(TestVault.random(2000, 2), 0, disk, changed + 500, 2000);
            // A chunk becomes zeros, so its bit must be cleared.
            Arrays.fill(disk, 2 * TestVault.CHUNK, 3 * TestVault.CHUNK, (byte) 0);
            List<Extent> ranges =
                    List.of(
                            new Extent(2L * TestVault.CHUNK, TestVault.CHUNK),
                            new Extent(changed, TestVault.CHUNK));
            Scan scan = new Scan.Changed(first.disks().getFirst().image(), ranges::iterator);
            expected.add(line(vault.backup(disk, scan), disk));
            vault.vault().keySlots().add(Passphrase.of(PASSPHRASE), "words");
        }
        Files.write(folder.resolve("expected"), expected);
        Files.writeString(folder.resolve("passphrase"), PASSPHRASE + "\n");
    }

    private static String line(RecoveryPoint point, byte[] disk) throws NoSuchAlgorithmException {
        byte[] hash = MessageDigest.getInstance("SHA-256").digest(disk);
        return point.id() + " " + disk.length + " " + HexFormat.of().formatHex(hash);
    }
}
