/// The client of qemu-guest-agent: quiescing, commands and files inside the VM. The central type is
/// [GuestAgent]; [FreezeWatchdog] thaws from inside the guest when we can't any more.
///
/// Invariants:
/// - A reply is only taken for the command that was sent last: after a timeout or a broken reply nothing
///   is sent before the agent has answered a fresh synchronisation (docs/interop/qemu-ga-ref of QEMU,
///   guest-sync-delimited).
/// - What the guest sends is bounded and never trusted: a line has a length limit, a reply a form.
/// - A freeze that was sent counts as a frozen guest until the guest has said that it is thawed.
/// - Freezing, thawing and disarming run to their end although the caller's thread is interrupted.
///
/// It decides nothing: what a refused freeze or an unproven thaw means for a recovery point is the
/// engine's business. It knows no hypervisor: an [AgentTransport] of the caller leads to the agent, and sees to it that
/// it is that of the right guest.
@NullMarked
package io.stillpoint.guest;

import org.jspecify.annotations.NullMarked;
