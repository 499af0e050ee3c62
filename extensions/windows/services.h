// The service control manager.
#pragma once
#include "outcome.h"

#include <string>

constexpr const wchar_t *SERVICE_NAME = L"IaaSVmProvider";

/// What a service is like.
struct ServiceStatus {
    bool there = false;
    /// SERVICE_AUTO_START and the like.
    DWORD start = 0;
    /// SERVICE_RUNNING and the like.
    DWORD state = SERVICE_STOPPED;
    /// As registered, quotes and all.
    std::wstring command;
};

/// A service that is not there is no failure.
Outcome look(const wchar_t *name, ServiceStatus &status);
Outcome setStart(const wchar_t *name, DWORD start);
/// Makes our service or sets it right: automatic, as LocalSystem, after RPC, restarted when it fails. Its start type is
/// left if it exists.
Outcome ensureService(const std::wstring &program);
/// Waits until it runs.
Outcome startService();
/// Waits until its process has ended. It may take as long as VSS needs to end a set.
Outcome stopService();
/// What is not there is no failure.
Outcome deleteService();
