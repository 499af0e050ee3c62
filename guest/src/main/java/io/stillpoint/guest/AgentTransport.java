package io.stillpoint.guest;

/// The way to the agent of one guest: opens byte channels to it. A unix socket ([AgentSocket]), or whatever else a
/// hypervisor offers.
public interface AgentTransport {
    /// Opens a channel. Sends nothing; whether an agent is there shows when it is spoken to.
    ///
    /// Throws [GuestException] of kind UNREACHABLE if there is no channel, or if it does not lead to the guest that is
    /// meant; `CancelledException` if the thread is interrupted.
    AgentChannel open();

    /// Names the way in messages, such as the path of the socket.
    String description();
}
