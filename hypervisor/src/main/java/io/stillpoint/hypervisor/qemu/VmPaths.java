package io.stillpoint.hypervisor.qemu;

import io.stillpoint.hypervisor.HypervisorException;
import io.stillpoint.hypervisor.HypervisorException.Kind;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/// Where the files of a VM's snapshots lie. Several VMs may share a scratch folder, so each file's name starts
/// with a key made of the VM's monitor socket:
///
/// ```
/// sp-KEY-LINEAGE-JOB-N.qcow2     a scratch image
/// sp-KEY.nbd                     the NBD server's socket
/// ```
///
/// @param key 8 hexadecimal digits
record VmPaths(Path socket, String key, Path folder) {
    /// The length of `sun_path` on Linux without its final zero.
    private static final int SOCKET_PATH_BYTES_MAX = 107;

    static VmPaths of(Path socket, Path folder) {
        byte[] digest = sha256(socket.toString().getBytes(StandardCharsets.UTF_8));
        return new VmPaths(
                socket,
                HexFormat.of().formatHex(digest, 0, 4),
                folder.toAbsolutePath().normalize());
    }

    Path scratchImage(JobNames names, int disk) {
        return folder.resolve(
                "sp-" + key + "-" + names.lineage() + "-" + names.job() + "-" + disk + ".qcow2");
    }

    /// Whether this file was made for a snapshot of this VM.
    boolean isScratchImage(Path file) {
        return file.getFileName()
                .toString()
                .matches("sp-" + key + "-[0-9a-f]{8}-[0-9a-f]{8}-\\d{1,3}\\.qcow2");
    }

    /// In the scratch folder, or beside the monitor's socket when the path would be too long for a socket.
    Path nbdSocket() {
        Path inFolder = folder.resolve("sp-" + key + ".nbd");
        if (length(inFolder) <= SOCKET_PATH_BYTES_MAX) {
            return inFolder;
        }
        Path beside = socket.resolveSibling("sp-" + key + ".nbd");
        if (length(beside) <= SOCKET_PATH_BYTES_MAX) {
            return beside;
        }
        throw new HypervisorException(Kind.UNSUPPORTED, "vm.socket-path", null, socket, inFolder);
    }

    private static int length(Path path) {
        return path.toString().getBytes(StandardCharsets.UTF_8).length;
    }

    private static byte[] sha256(byte[] bytes) {
        try {
            return MessageDigest.getInstance("SHA-256").digest(bytes);
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError("every Java has SHA-256", e);
        }
    }
}
