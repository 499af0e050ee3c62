package io.stillpoint.hypervisor.qemu;

import io.stillpoint.hypervisor.KeptSnapshots;
import io.stillpoint.hypervisor.SnapshotName;
import io.stillpoint.platform.Sha256;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// The names that a job gives inside QEMU. QEMU takes at most 31 characters for a node's name:
///
/// ```
/// node, export:       sp-LINEAGE-JOB-ROLE-N        LINEAGE, JOB: 8 hexadecimal digits; N: the disk
/// merged bitmap:      sp-LINEAGE-JOB-tmp
/// recording bitmap:   sp-LINEAGE-GENERATION        GENERATION: 16 hexadecimal digits, the disk's own
/// witness bitmap:     sp-LINEAGE-GENERATION-w
/// ```
///
/// @param job the first 8 digits of the job's generation
record JobNames(String lineage, String job) {
    private static final int JOB_DIGITS = 8;
    private static final int GENERATION_DIGITS = 16;
    private static final Pattern JOB_NAME =
            Pattern.compile("sp-([0-9a-f]{8})-([0-9a-f]{8})-([a-z]{2,3})-(\\d{1,3})");
    private static final Pattern MERGED = Pattern.compile("sp-([0-9a-f]{8})-([0-9a-f]{8})-tmp");
    private static final Pattern RECORDING =
            Pattern.compile("sp-([0-9a-f]{8})-([0-9a-f]{16})(-w)?");

    /// What a named object is for.
    enum Role {
        /// The scratch image's file.
        FILE("ff"),
        /// What encrypts the scratch image of a disk that QEMU decrypts.
        CIPHER("lk"),
        /// A window on that file that ends at the scratch limit.
        WINDOW("fw"),
        /// The scratch image, which reads as the disk at the instant.
        FLEECE("fl"),
        /// The filter under the guest's device.
        FILTER("cbw"),
        /// An empty node of the disk's size, whose bitmap has its last bit set.
        MARK("mk"),
        /// The filter's own view, which fails once the snapshot is broken.
        PROBE("pr"),
        /// The export of the fleece.
        EXPORT("ex"),
        /// An empty node that says: we have stopped the VM and have yet to continue it.
        STOPPED("run"),
        /// An empty node that says: the NBD server is ours.
        SERVER("srv"),
        /// The key of a scratch image, where the disk is one that QEMU encrypts.
        SECRET("key");

        private final String text;

        Role(String text) {
            this.text = text;
        }

        /// Whether the name of this role is in `name`.
        boolean isOf(String name) {
            Matcher matcher = JOB_NAME.matcher(name);
            return matcher.matches() && matcher.group(3).equals(text);
        }
    }

    static JobNames of(SnapshotName snapshot) {
        return new JobNames(snapshot.lineage(), snapshot.generation().substring(0, JOB_DIGITS));
    }

    /// Which job, of any lineage, has given this name to a node, an export, an object or a merged bitmap;
    /// empty if it is none of ours.
    static Optional<JobNames> in(String name) {
        Matcher matcher = JOB_NAME.matcher(name);
        if (!matcher.matches()) {
            matcher = MERGED.matcher(name);
        }
        return matcher.matches()
                ? Optional.of(new JobNames(matcher.group(1), matcher.group(2)))
                : Optional.empty();
    }

    /// A name of a snapshot whose things are called like this job's; the digits that nothing is called by are zeros.
    SnapshotName anyName() {
        return new SnapshotName(lineage, job + "0".repeat(GENERATION_DIGITS - JOB_DIGITS));
    }

    /// Whether a journal names the snapshot of this job.
    boolean isAmong(KeptSnapshots kept) {
        return kept.names().stream().anyMatch(name -> of(name).equals(this));
    }

    /// Whether a bitmap is a recording or a witness bitmap, of whatever lineage.
    static boolean isRecord(String bitmap) {
        return RECORDING.matcher(bitmap).matches();
    }

    /// The lineage of a recording or witness bitmap; empty if it is none.
    static String lineageOf(String bitmap) {
        Matcher matcher = RECORDING.matcher(bitmap);
        return matcher.matches() ? matcher.group(1) : "";
    }

    /// The generation that a recording or witness bitmap of this lineage stands for.
    static Optional<String> generation(String lineage, String bitmap) {
        Matcher matcher = RECORDING.matcher(bitmap);
        return matcher.matches() && matcher.group(1).equals(lineage)
                ? Optional.of(matcher.group(2))
                : Optional.empty();
    }

    static String recording(String lineage, String generation) {
        return "sp-" + lineage + "-" + generation;
    }

    static String witness(String lineage, String generation) {
        return recording(lineage, generation) + "-w";
    }

    /// The generation of one disk in a job: as hard to guess as the job's, and no other disk's.
    static String ofDisk(String jobGeneration, String disk) {
        return Sha256.hex(jobGeneration + " " + disk, 8);
    }

    /// Of the same job and disk, for something else. Empty if `name` is none of a node or an export.
    static String sibling(String name, Role role) {
        Matcher matcher = JOB_NAME.matcher(name);
        return matcher.matches()
                ? new JobNames(matcher.group(1), matcher.group(2))
                        .name(role, Integer.parseInt(matcher.group(4)))
                : "";
    }

    String name(Role role, int disk) {
        return "sp-" + lineage + "-" + job + "-" + role.text + "-" + disk;
    }

    String merged() {
        return "sp-" + lineage + "-" + job + "-tmp";
    }
}
