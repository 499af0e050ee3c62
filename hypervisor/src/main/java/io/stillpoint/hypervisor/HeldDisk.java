package io.stillpoint.hypervisor;

import io.stillpoint.platform.block.BlockSource;
import java.util.Optional;

/// One disk of a held snapshot.
public interface HeldDisk {
    /// The disk's name in the VM.
    String name();

    /// Its size in bytes, as the guest sees it.
    long size();

    /// The format of the image it lies in, such as `raw` or `qcow2`; what a restore proposes.
    String format();

    /// What changed since the previous generation.
    ChangedBlocks changes();

    /// The generation that records changes from this instant on, if the hypervisor can record them.
    Optional<String> generation();

    /// Opens the content for reading. The caller closes it before the snapshot.
    BlockSource open();
}
