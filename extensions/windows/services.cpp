#include "services.h"

#include "text.h"

#include <vector>

static constexpr ULONGLONG START_MILLIS_MAX = 30'000;
static constexpr ULONGLONG STOP_MILLIS_MAX = 150'000;
static constexpr DWORD POLL_MILLIS = 50;

/// Owns a handle of the service control manager.
class Scm {
  public:
    explicit Scm(SC_HANDLE handle) : handle(handle) {}
    Scm(const Scm &) = delete;
    Scm &operator=(const Scm &) = delete;
    ~Scm() {
        if (handle) CloseServiceHandle(handle);
    }
    SC_HANDLE get() const { return handle; }
    explicit operator bool() const { return handle != nullptr; }

  private:
    SC_HANDLE handle;
};

static std::string quoted(const wchar_t *name) {
    return "the service " + utf8(name);
}

static Scm manager(DWORD access) {
    return Scm(OpenSCManagerW(nullptr, nullptr, access));
}

Outcome look(const wchar_t *name, ServiceStatus &status) {
    status = {};
    Scm all = manager(SC_MANAGER_CONNECT);
    if (!all) return systemFailure("reach the service control manager");
    Scm service(OpenServiceW(all.get(), name, SERVICE_QUERY_CONFIG | SERVICE_QUERY_STATUS));
    if (!service) return GetLastError() == ERROR_SERVICE_DOES_NOT_EXIST ? Outcome{} : systemFailure("open " + quoted(name));
    DWORD needed = 0;
    // Its largest size, as documented.
    std::vector<uint64_t> space(8192 / sizeof(uint64_t));
    auto *config = reinterpret_cast<QUERY_SERVICE_CONFIGW *>(space.data());
    if (!QueryServiceConfigW(service.get(), config, 8192, &needed)) return systemFailure("read how " + quoted(name) + " is configured");
    SERVICE_STATUS state;
    if (!QueryServiceStatus(service.get(), &state)) return systemFailure("ask for the state of " + quoted(name));
    status = {true, config->dwStartType, state.dwCurrentState, config->lpBinaryPathName ? config->lpBinaryPathName : L""};
    return {};
}

Outcome setStart(const wchar_t *name, DWORD start) {
    Scm all = manager(SC_MANAGER_CONNECT);
    Scm service(all ? OpenServiceW(all.get(), name, SERVICE_CHANGE_CONFIG) : nullptr);
    if (!service || !ChangeServiceConfigW(service.get(), SERVICE_NO_CHANGE, start, SERVICE_NO_CHANGE, nullptr, nullptr, nullptr, nullptr, nullptr,
                                          nullptr, nullptr))
        return systemFailure("set the start type of " + quoted(name));
    return {};
}

static Outcome configure(SC_HANDLE service) {
    SC_ACTION actions[] = {{SC_ACTION_RESTART, 5'000}, {SC_ACTION_RESTART, 60'000}, {SC_ACTION_NONE, 0}};
    SERVICE_FAILURE_ACTIONSW failure = {};
    failure.dwResetPeriod = 24 * 60 * 60;
    failure.cActions = 3;
    failure.lpsaActions = actions;
    SERVICE_DESCRIPTIONW description = {const_cast<wchar_t *>(L"Brings applications to rest through VSS while a backup takes a snapshot.")};
    if (!ChangeServiceConfig2W(service, SERVICE_CONFIG_FAILURE_ACTIONS, &failure) ||
        !ChangeServiceConfig2W(service, SERVICE_CONFIG_DESCRIPTION, &description))
        return systemFailure("configure " + quoted(SERVICE_NAME));
    return {};
}

Outcome ensureService(const std::wstring &program) {
    // Quoted: an unquoted path with a space lets others run in its place.
    std::wstring command = L"\"" + program + L"\"";
    const wchar_t *after = L"RPCSS\0";
    Scm all = manager(SC_MANAGER_CONNECT | SC_MANAGER_CREATE_SERVICE);
    if (!all) return systemFailure("reach the service control manager");
    constexpr DWORD access = SERVICE_CHANGE_CONFIG | SERVICE_START | SERVICE_QUERY_STATUS;
    Scm existing(OpenServiceW(all.get(), SERVICE_NAME, access));
    if (existing) {
        if (!ChangeServiceConfigW(existing.get(), SERVICE_WIN32_OWN_PROCESS, SERVICE_NO_CHANGE, SERVICE_ERROR_NORMAL, command.c_str(), nullptr,
                                  nullptr, after, L"LocalSystem", L"", SERVICE_NAME))
            return systemFailure("change " + quoted(SERVICE_NAME));
        return configure(existing.get());
    }
    Scm made(CreateServiceW(all.get(), SERVICE_NAME, SERVICE_NAME, access, SERVICE_WIN32_OWN_PROCESS, SERVICE_AUTO_START, SERVICE_ERROR_NORMAL,
                            command.c_str(), nullptr, nullptr, after, nullptr, nullptr));
    return made ? configure(made.get()) : systemFailure("make " + quoted(SERVICE_NAME));
}

static Outcome awaitState(SC_HANDLE service, DWORD wanted, ULONGLONG millisMax) {
    ULONGLONG end = GetTickCount64() + millisMax;
    SERVICE_STATUS status;
    while (QueryServiceStatus(service, &status)) {
        if (status.dwCurrentState == wanted) return {};
        if (wanted == SERVICE_RUNNING && status.dwCurrentState == SERVICE_STOPPED)
            return systemFailure("start " + quoted(SERVICE_NAME), status.dwWin32ExitCode ? status.dwWin32ExitCode : ERROR_PROCESS_ABORTED);
        if (GetTickCount64() > end) return systemFailure("wait longer for " + quoted(SERVICE_NAME), ERROR_SERVICE_REQUEST_TIMEOUT);
        Sleep(POLL_MILLIS);
    }
    return systemFailure("ask for the state of " + quoted(SERVICE_NAME));
}

Outcome startService() {
    Scm all = manager(SC_MANAGER_CONNECT);
    Scm service(all ? OpenServiceW(all.get(), SERVICE_NAME, SERVICE_START | SERVICE_QUERY_STATUS) : nullptr);
    if (!service) return systemFailure("open " + quoted(SERVICE_NAME));
    if (!StartServiceW(service.get(), 0, nullptr) && GetLastError() != ERROR_SERVICE_ALREADY_RUNNING)
        return systemFailure("start " + quoted(SERVICE_NAME));
    return awaitState(service.get(), SERVICE_RUNNING, START_MILLIS_MAX);
}

Outcome stopService() {
    Scm all = manager(SC_MANAGER_CONNECT);
    if (!all) return systemFailure("reach the service control manager");
    Scm service(OpenServiceW(all.get(), SERVICE_NAME, SERVICE_STOP | SERVICE_QUERY_STATUS));
    if (!service) return GetLastError() == ERROR_SERVICE_DOES_NOT_EXIST ? Outcome{} : systemFailure("open " + quoted(SERVICE_NAME));
    SERVICE_STATUS_PROCESS before = {};
    DWORD needed;
    QueryServiceStatusEx(service.get(), SC_STATUS_PROCESS_INFO, reinterpret_cast<BYTE *>(&before), sizeof before, &needed);
    Handle process(before.dwProcessId ? OpenProcess(SYNCHRONIZE, FALSE, before.dwProcessId) : nullptr);
    SERVICE_STATUS status;
    if (!ControlService(service.get(), SERVICE_CONTROL_STOP, &status)) {
        DWORD error = GetLastError();
        if (error == ERROR_SERVICE_NOT_ACTIVE) return {};
        if (error != ERROR_SERVICE_CANNOT_ACCEPT_CTRL) return systemFailure("stop " + quoted(SERVICE_NAME), error);
    }
    Outcome outcome = awaitState(service.get(), SERVICE_STOPPED, STOP_MILLIS_MAX);
    // Its file can be removed only when the process is gone.
    if (outcome.ok() && process && WaitForSingleObject(process.get(), START_MILLIS_MAX) != WAIT_OBJECT_0)
        return systemFailure("wait longer for the end of " + quoted(SERVICE_NAME), ERROR_SERVICE_REQUEST_TIMEOUT);
    return outcome;
}

Outcome deleteService() {
    Scm all = manager(SC_MANAGER_CONNECT);
    if (!all) return systemFailure("reach the service control manager");
    Scm service(OpenServiceW(all.get(), SERVICE_NAME, DELETE));
    if (!service) return GetLastError() == ERROR_SERVICE_DOES_NOT_EXIST ? Outcome{} : systemFailure("open " + quoted(SERVICE_NAME));
    if (!DeleteService(service.get()) && GetLastError() != ERROR_SERVICE_MARKED_FOR_DELETE) return systemFailure("delete " + quoted(SERVICE_NAME));
    return {};
}
