package io.stillpoint.hypervisor.qemu;

import java.util.Optional;

/// State of a machine that no disk holds, so that a restore lacks it. The words stand in recovery points.
enum NotStored {
    TPM("tpm", "vm.not-stored.tpm"),
    VHOST_DISK("vhost-disk", "vm.not-stored.vhost-disk"),
    SHARED_FOLDER("shared-folder", "vm.not-stored.shared-folder"),
    PERSISTENT_MEMORY("persistent-memory", "vm.not-stored.persistent-memory"),
    HOST_DEVICE("host-device", "vm.not-stored.host-device");

    private final String word;
    private final String text;

    NotStored(String word, String text) {
        this.word = word;
        this.text = text;
    }

    String word() {
        return word;
    }

    /// The key of its text.
    String text() {
        return text;
    }

    /// What a device of this type holds.
    static Optional<NotStored> of(String type) {
        if (type.startsWith("vhost-user-blk")
                || type.startsWith("vhost-user-scsi")
                || type.startsWith("vhost-scsi")) {
            return Optional.of(VHOST_DISK);
        }
        if (type.startsWith("vhost-user-fs") || type.startsWith("virtio-9p")) {
            return Optional.of(SHARED_FOLDER);
        }
        if (type.equals("nvdimm") || type.startsWith("virtio-pmem")) {
            return Optional.of(PERSISTENT_MEMORY);
        }
        return type.startsWith("vfio-") ? Optional.of(HOST_DEVICE) : Optional.empty();
    }
}
