package io.stillpoint.testkit;

import io.stillpoint.guest.AgentTransport;
import java.time.Duration;

/// A Linux guest as [GuestAgentContract] needs it: the agent's channel, and a look at the guest from behind.
public interface TestedGuest extends AutoCloseable {
    /// The way to the agent, which answers one client at a time.
    AgentTransport agent();

    /// Whether a program in the guest can write to its disks now.
    boolean canWrite();

    /// Lets the guest's clock pass so far.
    void pass(Duration time);

    /// The agent is killed and started anew.
    void restartAgent();

    /// A test has ended.
    @Override
    void close();
}
