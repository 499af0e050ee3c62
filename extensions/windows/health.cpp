#include "health.h"

#include "pipe.h"
#include "prerequisites.h"
#include "services.h"
#include "text.h"
#include "vss.h"

#include <objbase.h>

static constexpr DWORD PIPE_MILLIS_MAX = 2'000;
/// The service that stands for qemu-ga's provider in COM+ (QEMU, qga/vss-win32/vss-common.h).
static constexpr const wchar_t *PROVIDER = L"QEMU Guest Agent VSS Provider";

namespace {

/// Lists checks. Those that a snapshot needs decide whether all is healthy; others only tell.
class Checks {
  public:
    explicit Checks(JsonWriter &json) : json(json) { json.key("checks").beginArray(); }

    void needed(const char *name, bool ok, const std::string &detail) {
        add(name, ok, detail);
        healthy = healthy && ok;
    }
    void add(const char *name, bool ok, const std::string &detail) {
        json.beginObject().field("name", name).field("ok", ok).field("detail", detail).endObject();
    }
    bool finish() {
        json.endArray();
        return healthy;
    }

  private:
    JsonWriter &json;
    bool healthy = true;
};

} // namespace

bool isOurs(const Places &places, const std::wstring &command) {
    std::wstring ours = L"\"" + places.root + L"\\";
    return sameIgnoringCase(command.substr(0, ours.size()), ours);
}

static std::string describe(const ServiceStatus &service) {
    if (!service.there) return "not there";
    const char *start = service.start == SERVICE_AUTO_START       ? "automatic"
                        : service.start == SERVICE_DEMAND_START   ? "manual"
                        : service.start == SERVICE_DISABLED       ? "disabled"
                                                                  : "other";
    return std::string(start) + (service.state == SERVICE_RUNNING ? ", running" : service.state == SERVICE_STOPPED ? ", stopped" : ", changing");
}

/// A service of Windows that VSS uses: it is there, and may be started.
static void addService(Checks &checks, const char *name, const wchar_t *service) {
    ServiceStatus status;
    Outcome looked = look(service, status);
    checks.add(name, looked.ok() && status.there && status.start != SERVICE_DISABLED, looked.ok() ? describe(status) : looked.detail);
}

static bool wantsCopy() {
    wchar_t value[16] = L"";
    DWORD bytes = sizeof value;
    return RegGetValueW(HKEY_LOCAL_MACHINE, L"SOFTWARE\\Microsoft\\BcdrAgent", L"USEVSSCOPYBACKUP", RRF_RT_REG_SZ, nullptr, value, &bytes) ==
               ERROR_SUCCESS &&
           sameIgnoringCase(value, L"TRUE");
}

static void checkVss(Checks &checks) {
    ServiceStatus vss, provider;
    look(L"VSS", vss);
    look(PROVIDER, provider);
    checks.needed("vss", vss.there && vss.start == SERVICE_AUTO_START, describe(vss));
    CoInitializeEx(nullptr, COINIT_MULTITHREADED);
    HRESULT tried = tryVss();
    CoUninitialize();
    checks.needed("vss-requester", SUCCEEDED(tried), hex(static_cast<uint32_t>(tried)));
    checks.needed("vss-provider", provider.there && provider.start != SERVICE_DISABLED, describe(provider));
    addService(checks, "com-plus", L"COMSysApp");
    addService(checks, "msdtc", L"MSDTC");
}

Outcome health(const Places &places, JsonWriter &json) {
    State state;
    Outcome remembered = State::read(places, state);
    bool installed = remembered.ok() && state.installed == VERSION;
    Manifest manifest;
    Outcome files = Manifest::read(places, manifest);
    if (files.ok()) files = verify(places, manifest, false);
    ServiceStatus service;
    Outcome looked = look(SERVICE_NAME, service);
    bool running = service.state == SERVICE_RUNNING;

    json.field("state", !installed ? "" : state.disabled ? "disabled" : running ? "enabled" : "installed");
    json.field("installed", state.installed).field("backupType", wantsCopy() ? "copy" : "full");
    Checks checks(json);
    checks.needed("files", files.ok(), files.ok() ? "" : files.message + ": " + files.detail);
    checks.needed("service", service.there && isOurs(places, service.command) && (state.disabled || (running && service.start == SERVICE_AUTO_START)),
                  looked.ok() ? describe(service) + (service.there ? ", " + utf8(service.command) : "") : looked.detail);
    // A service may run and serve nobody.
    bool serves = running && WaitNamedPipeW(PIPE_NAME, PIPE_MILLIS_MAX);
    checks.needed("pipe", serves || state.disabled, serves ? "" : running ? "nobody serves it" : "the service does not run");
    checkVss(checks);
    std::string runtime = runtimeVersion();
    checks.add("vcredist2013-x64", !runtime.empty(), runtime.empty() ? "not there" : runtime);
    bool reboot = isRebootPending();
    checks.add("no-reboot-pending", !reboot, reboot ? "Windows waits for a restart" : "");
    json.field("healthy", checks.finish() && installed);
    if (!files.ok()) return files;
    if (!remembered.ok()) return remembered;
    if (!installed)
        return {Code::notInstalled, "version " VERSION " is not installed", state.installed.empty() ? "" : "installed: " + state.installed, 0};
    return {};
}
