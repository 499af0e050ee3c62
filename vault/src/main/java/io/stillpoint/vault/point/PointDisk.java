package io.stillpoint.vault.point;

import java.util.Optional;

/// A disk of a recovery point.
///
/// @param name of the disk in its VM
/// @param format of the image it lay in, such as `raw` or `qcow2`
/// @param generation under which changes are recorded from this point on, if they are
/// @param method how it was read
/// @param reason why not incrementally, as a code; empty if it was
/// @param changedBytes how much differs from the point before, in whole chunks; all data of a first point
/// @param readBytes how much was read from the source
/// @param newBytes how much of that the vault did not have yet, before compression
public record PointDisk(
        String name,
        DiskImage image,
        String format,
        Optional<String> generation,
        Method method,
        String reason,
        long changedBytes,
        long readBytes,
        long newBytes) {

    /// How a disk was read.
    public enum Method {
        /// Everything; there was nothing to compare with.
        FULL("full"),
        /// What the hypervisor said had changed.
        INCREMENTAL("incremental"),
        /// Everything, compared with the point before.
        COMPARISON("comparison");

        private final String word;

        Method(String word) {
            this.word = word;
        }

        public String word() {
            return word;
        }

        /// The reverse of [#word]. Throws [IllegalArgumentException] for another word.
        public static Method of(String word) {
            for (Method method : values()) {
                if (method.word.equals(word)) {
                    return method;
                }
            }
            throw new IllegalArgumentException("no method: " + word);
        }
    }
}
