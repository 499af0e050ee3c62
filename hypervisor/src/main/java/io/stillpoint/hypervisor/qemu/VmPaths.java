package io.stillpoint.hypervisor.qemu;

import io.stillpoint.platform.Sha256;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// Where the files of a VM's snapshots lie. Several VMs may share a scratch folder, so each file's name starts
/// with a key made of the VM's monitor socket:
///
/// ```
/// sp-KEY-LINEAGE-JOB-N.qcow2     a scratch image
/// sp-KEY.nbd                     the NBD server's socket
/// ```
///
/// @param key 16 hexadecimal digits: so many that nobody finds another path with the same
record VmPaths(Path socket, String key, ScratchFolder folder) {
    private static final Pattern SCRATCH_IMAGE =
            Pattern.compile("sp-[0-9a-f]{16}-([0-9a-f]{8})-([0-9a-f]{8})-\\d{1,3}\\.qcow2");

    static VmPaths of(Path socket, ScratchFolder folder) {
        return new VmPaths(socket, key(socket), folder);
    }

    /// What tells the files of a VM's snapshots from those of others.
    static String key(Path socket) {
        byte[] digest = Sha256.of(socket.toString());
        return HexFormat.of().formatHex(digest, 0, 8);
    }

    String scratchImage(JobNames names, int disk) {
        return "sp-" + key + "-" + names.lineage() + "-" + names.job() + "-" + disk + ".qcow2";
    }

    String nbdSocket() {
        return "sp-" + key + ".nbd";
    }

    String scratchImages() {
        return "sp-" + key + "-*.qcow2";
    }

    /// Which job made this file for a snapshot of this VM; empty if none did.
    Optional<JobNames> job(String name) {
        return name.startsWith("sp-" + key + "-") ? jobOfAny(name) : Optional.empty();
    }

    /// As [#job], of whatever VM, and by whatever name its monitor was reached.
    static Optional<JobNames> jobOfAny(String name) {
        Matcher matcher = SCRATCH_IMAGE.matcher(name);
        return matcher.matches()
                ? Optional.of(new JobNames(matcher.group(1), matcher.group(2)))
                : Optional.empty();
    }
}
