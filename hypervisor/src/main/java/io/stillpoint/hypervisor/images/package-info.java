/// Disk images as files: read as the disks of a stopped VM, and written by a restore. The central types are
/// [StoppedImages][io.stillpoint.hypervisor.images.StoppedImages] and
/// [RestoreTarget][io.stillpoint.hypervisor.images.RestoreTarget].
///
/// Raw images and block devices are read and written here; all other formats are left to `qemu-storage-daemon`,
/// a child process that speaks NBD and never outlives us. A guest decides what a raw image starts with: a name
/// that ends in `.raw` and a block device are raw whatever they start with, unless the caller names a format.
@NullMarked
package io.stillpoint.hypervisor.images;

import org.jspecify.annotations.NullMarked;
