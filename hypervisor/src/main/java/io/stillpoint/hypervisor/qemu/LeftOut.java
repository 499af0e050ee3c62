package io.stillpoint.hypervisor.qemu;

/// A drive of the VM that is not stored.
///
/// @param name what tells it from others, in QEMU's words
/// @param detail the medium's file
record LeftOut(String name, Reason reason, String detail) {
    /// Why. The words stand in recovery points.
    enum Reason {
        READ_ONLY("read-only", "vm.left-out.read-only"),
        CD_ROM("cd-rom", "vm.left-out.cd-rom"),
        FLOPPY("floppy", "vm.left-out.floppy"),
        REMOVABLE("removable", "vm.left-out.removable"),
        SD_CARD("sd-card", "vm.left-out.sd-card"),
        /// The guest speaks SCSI with the device, past QEMU's filters and bitmaps.
        PASS_THROUGH("pass-through", "vm.left-out.pass-through"),
        NOT_ATTACHED("not-attached", "vm.left-out.not-attached"),
        NOT_WANTED("not-wanted", "vm.left-out.not-wanted");

        private final String word;
        private final String text;

        Reason(String word, String text) {
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
    }
}
