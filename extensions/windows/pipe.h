// The pipe by which the host speaks to the service: one line per request, one JSON object per line in answer.
#pragma once
#include "coordinator.h"

constexpr const wchar_t *PIPE_NAME = L"\\\\.\\pipe\\IaaSVmProvider";

/// Serves clients until the process ends. A host that vanished may leave its end open in the agent, so several are
/// served beside each other, and one that is silent for long is put off.
class PipeServer {
  public:
    explicit PipeServer(Coordinator &coordinator) : coordinator(coordinator) {}

    /// Makes the pipe and starts to serve. Fails if a pipe of that name exists: then another program poses as us.
    /// Returns 0, or the error of Windows.
    DWORD start();

  private:
    static DWORD WINAPI threadMain(void *self);
    void serveForEver();
    void serve(HANDLE pipe);
    std::string reply(const std::string &line);

    Coordinator &coordinator;
    Handle instances[4];
    LONG next = 0;
};
