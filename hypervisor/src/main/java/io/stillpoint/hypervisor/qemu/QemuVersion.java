package io.stillpoint.hypervisor.qemu;

import java.util.Comparator;
import tools.jackson.databind.JsonNode;

/// A release of QEMU.
record QemuVersion(int major, int minor, int micro) implements Comparable<QemuVersion> {
    /// `copy-before-write` has `on-cbw-error=break-snapshot` since this.
    private static final QemuVersion BREAKS_SNAPSHOT = new QemuVersion(7, 1, 0);

    private static final QemuVersion ABORT_FROM = new QemuVersion(7, 2, 14);
    private static final QemuVersion ABORT_TO = new QemuVersion(8, 2, 0);

    /// Reads the answer of `query-version`.
    static QemuVersion of(JsonNode answer) {
        JsonNode qemu = answer.path("qemu");
        return new QemuVersion(
                qemu.path("major").asInt(0),
                qemu.path("minor").asInt(0),
                qemu.path("micro").asInt(0));
    }

    boolean canBreakSnapshotInsteadOfGuest() {
        return compareTo(BREAKS_SNAPSHOT) >= 0;
    }

    /// From the fix of CVE-2024-7409 in the stable branches until the threading change that it needs: with a
    /// disk in an I/O thread QEMU aborts when an NBD client disconnects (`nbd_blockdev_client_closed:
    /// Assertion qemu_in_main_thread()`).
    boolean abortsOnNbdDisconnectWithIothread() {
        return compareTo(ABORT_FROM) >= 0 && compareTo(ABORT_TO) <= 0;
    }

    @Override
    public int compareTo(QemuVersion other) {
        return Comparator.comparingInt(QemuVersion::major)
                .thenComparingInt(QemuVersion::minor)
                .thenComparingInt(QemuVersion::micro)
                .compare(this, other);
    }

    @Override
    public String toString() {
        return major + "." + minor + "." + micro;
    }
}
