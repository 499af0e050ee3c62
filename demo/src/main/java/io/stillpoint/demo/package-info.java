/// A small real VM made of the distribution's packages, and what runs on it. [GuestImage] builds the guest,
/// [VmLaunch] says how a VM is to be, [QemuProcess] runs it.
///
/// A VM started here never outlives the process that started it, and leaves nothing outside its folder.
/// This package speaks to no guest and backs nothing up.
@NullMarked
package io.stillpoint.demo;

import org.jspecify.annotations.NullMarked;
