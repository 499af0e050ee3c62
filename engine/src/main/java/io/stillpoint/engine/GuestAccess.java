package io.stillpoint.engine;

import io.stillpoint.guest.AgentTransport;
import io.stillpoint.guest.extension.ExtensionKeeper;
import java.util.Optional;

/// How the guest of a VM is reached.
///
/// @param agent leads to the guest's agent, and to that of no other guest (see [VmSocket])
/// @param extensions sees to the guest's extension; empty: the guest gets none
public record GuestAccess(AgentTransport agent, Optional<ExtensionKeeper> extensions) {}
