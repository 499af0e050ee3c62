/// A client of the Network Block Device protocol, the way bytes leave and enter QEMU. The central type is
/// [NbdClient][io.stillpoint.hypervisor.nbd.NbdClient]; [NbdSource][io.stillpoint.hypervisor.nbd.NbdSource] and
/// [NbdTarget][io.stillpoint.hypervisor.nbd.NbdTarget] are the block devices made of it.
///
/// Section names in comments are those of the protocol document, `doc/proto.md` of NetworkBlockDevice/nbd.
/// Nothing that a server says is believed unchecked: a length, an offset or a cookie that can't be ends the
/// connection with [PROTOCOL][io.stillpoint.hypervisor.HypervisorException.Kind#PROTOCOL]. No TLS, no
/// old-style handshake, no extended headers.
@NullMarked
package io.stillpoint.hypervisor.nbd;

import org.jspecify.annotations.NullMarked;
