package io.stillpoint.engine;

/// How a job tries to bring a guest to rest; its name is what `docs/consistency.md` calls it.
enum Way {
    NOTHING,
    /// VMSnapshotLinux.
    EXTENSION,
    /// The agent's own freeze.
    AGENT,
    /// VMSnapshot: VSS through the extension's service.
    VSS,
    /// VSS through the agent's own freeze.
    AGENT_VSS,
    /// Volumes are flushed, and nothing is held.
    FLUSH
}
