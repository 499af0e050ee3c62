#include "verbs.h"

#include "files.h"
#include "health.h"
#include "log.h"
#include "prerequisites.h"
#include "services.h"
#include "text.h"

static constexpr ULONGLONG OTHER_VERB_MILLIS_MAX = 5'000;
static constexpr DWORD POLL_MILLIS = 50;
static constexpr WORD WINDOWS_MAJOR_MIN = 6;
static constexpr WORD WINDOWS_MINOR_MIN = 3;

/// Keeps verbs from running beside each other: by a file in our own folder, which Windows removes when the process ends
/// however it ends. The name of a mutex any user could take first.
class Turn {
  public:
    explicit Turn(const Places &places) {
        ULONGLONG end = GetTickCount64() + OTHER_VERB_MILLIS_MAX;
        do {
            file = Handle(CreateFileW(places.verbLock().c_str(), GENERIC_WRITE | DELETE, 0, nullptr, OPEN_ALWAYS,
                                      FILE_ATTRIBUTE_NORMAL | FILE_FLAG_DELETE_ON_CLOSE, nullptr));
            error = file ? ERROR_SUCCESS : GetLastError();
            if (error != ERROR_SHARING_VIOLATION && error != ERROR_ACCESS_DENIED) return;
            Sleep(POLL_MILLIS);
        } while (GetTickCount64() < end);
    }
    Outcome outcome() const {
        if (error == ERROR_SHARING_VIOLATION) return {Code::busy, "another verb is at work", "", 0};
        return error == ERROR_SUCCESS ? Outcome{} : systemFailure("make a file in the folder of the extension", error);
    }

  private:
    Handle file;
    DWORD error;
};

static bool isAdministrator() {
    SID_IDENTIFIER_AUTHORITY authority = SECURITY_NT_AUTHORITY;
    PSID administrators;
    if (!AllocateAndInitializeSid(&authority, 2, SECURITY_BUILTIN_DOMAIN_RID, DOMAIN_ALIAS_RID_ADMINS, 0, 0, 0, 0, 0, 0, &administrators)) return false;
    BOOL member = FALSE;
    bool asked = CheckTokenMembership(nullptr, administrators, &member);
    FreeSid(administrators);
    return asked && member;
}

/// Whether a snapshot set is open, ours or that of qemu-ga: the provider's events exist as long as it is.
static bool isSetOpen() {
    Handle event(OpenEventW(SYNCHRONIZE, FALSE, L"Global\\QGAVSSEvent-frozen"));
    return event || GetLastError() == ERROR_ACCESS_DENIED;
}

static Outcome busy() {
    return {Code::busy, "a snapshot is being made; try again when it is over", "", 0};
}

static Outcome checkSystem(const Places &places, const State &state, ServiceStatus &service, ServiceStatus &vss) {
    // The documented call tells a version that fits the program's manifest, which may be older than the real one.
    using GetVersion = LONG(WINAPI *)(OSVERSIONINFOW *);
    auto entry = reinterpret_cast<GetVersion>(reinterpret_cast<void *>(GetProcAddress(GetModuleHandleW(L"ntdll.dll"), "RtlGetVersion")));
    OSVERSIONINFOW windows = {};
    windows.dwOSVersionInfoSize = sizeof windows;
    if (entry) entry(&windows);
    if (windows.dwMajorVersion < WINDOWS_MAJOR_MIN || (windows.dwMajorVersion == WINDOWS_MAJOR_MIN && windows.dwMinorVersion < WINDOWS_MINOR_MIN))
        return {Code::unsupported, "needs Windows 8.1 or Server 2012 R2, or newer",
                "found " + std::to_string(windows.dwMajorVersion) + "." + std::to_string(windows.dwMinorVersion), 0};
    Version mine, installed;
    Version::parse(VERSION, mine);
    if (Version::parse(state.installed, installed) && installed > mine)
        return {Code::unsupported, "a newer version is installed, which stays", "installed: " + state.installed, 0};
    Outcome outcome = look(SERVICE_NAME, service);
    if (outcome.ok()) outcome = look(L"VSS", vss);
    if (!outcome.ok()) return outcome;
    if (service.there && !isOurs(places, service.command))
        return {Code::unsupported, "another program has a service IaaSVmProvider: remove it first", utf8(service.command), 0};
    if (!vss.there) return {Code::unsupported, "this Windows has no Volume Shadow Copy service", "", 0};
    return {};
}

/// Adds what became of the prerequisites. Fails at the first that must not be missing.
static Outcome ensurePrerequisites(const Places &places, const Manifest &manifest, JsonWriter &json) {
    Outcome worst;
    json.key("prerequisites").beginArray();
    for (const Prerequisite &each : manifest.prerequisites) {
        PrerequisiteResult result = ensure(places, manifest, each);
        json.beginObject().field("id", result.id).field("outcome", result.outcome).field("version", result.version);
        json.field("code", name(result.problem.code)).field("message", result.problem.message).field("detail", result.problem.detail);
        json.field("number", static_cast<int64_t>(result.problem.number)).endObject();
        if (!result.problem.ok()) logfile::write(result.problem.message + ": " + result.problem.detail);
        if (result.problem.code == Code::rebootNeeded || result.isError) worst = result.problem;
        if (result.isError) break;
    }
    json.endArray();
    return worst;
}

/// What is on disk before anything is changed; it stays as it is when the verb runs again.
static Outcome save(const Places &places, const ServiceStatus &service, const ServiceStatus &vss, State &state) {
    if (state.saved) return {};
    state.saved = true;
    // Our service without a memory: VSS may be as we set it, so what it was is not known.
    state.vssStart = service.there ? 0 : vss.start;
    state.runtime = runtimeVersion();
    return state.write(places);
}

/// From any state to: this version installed, in every part.
static Outcome install(const Places &places, JsonWriter &json) {
    // Files that others may change are worth no check. First where they lie: what is behind a link is not ours to protect.
    Outcome outcome = requireOwnFolders(parentOf(places.root));
    if (outcome.ok()) outcome = protectFolder(places.root);
    if (outcome.ok()) outcome = requireOwnFolders(places.package);
    Manifest manifest;
    if (outcome.ok()) outcome = Manifest::read(places, manifest);
    if (outcome.ok()) outcome = verify(places, manifest, false);
    if (!outcome.ok()) return outcome;
    State state;
    outcome = State::read(places, state);
    // What can't be read is gone; that must not stop a repair.
    if (outcome.code == Code::broken) logfile::write(outcome.message + ", and is made anew");
    else if (!outcome.ok()) return outcome;
    ServiceStatus service, vss;
    outcome = checkSystem(places, state, service, vss);
    bool replaces = service.there && !sameIgnoringCase(service.command, L"\"" + places.program + L"\"");
    if (outcome.ok() && replaces && isSetOpen()) outcome = busy();
    if (outcome.ok()) outcome = save(places, service, vss, state);
    if (!outcome.ok()) return outcome;
    Outcome prerequisites = ensurePrerequisites(places, manifest, json);
    if (!prerequisites.ok() && prerequisites.code != Code::rebootNeeded) return prerequisites;

    bool running = service.there && service.state != SERVICE_STOPPED;
    if (replaces && running) outcome = stopService();
    if (outcome.ok()) outcome = ensureService(places.program);
    if (outcome.ok() && vss.start != SERVICE_AUTO_START) outcome = setStart(L"VSS", SERVICE_AUTO_START);
    state.installed = VERSION;
    if (outcome.ok()) outcome = state.write(places);
    if (outcome.ok() && replaces && running && !state.disabled) outcome = startService();
    if (outcome.ok()) logfile::write("installed, version " VERSION);
    return outcome.ok() ? prerequisites : outcome;
}

/// The state of an extension of which this version counts.
static Outcome readInstalled(const Places &places, State &state) {
    Outcome outcome = State::read(places, state);
    if (outcome.ok() && state.installed != VERSION)
        return {Code::notInstalled, "version " VERSION " is not installed", state.installed.empty() ? "" : "installed: " + state.installed, 0};
    return outcome;
}

static Outcome enable(const Places &places, JsonWriter &json) {
    State state;
    Outcome outcome = readInstalled(places, state);
    Manifest manifest;
    if (outcome.ok()) outcome = requireOwnFolders(places.package);
    if (outcome.ok()) outcome = Manifest::read(places, manifest);
    if (outcome.ok()) outcome = verify(places, manifest, false);
    if (outcome.ok()) outcome = ensureService(places.program);
    if (outcome.ok()) outcome = setStart(SERVICE_NAME, SERVICE_AUTO_START);
    if (outcome.ok() && state.disabled) {
        state.disabled = false;
        outcome = state.write(places);
    }
    if (outcome.ok()) outcome = startService();
    if (!outcome.ok()) return outcome;
    logfile::write("enabled");
    return health(places, json);
}

static Outcome disable(const Places &places) {
    State state;
    Outcome outcome = readInstalled(places, state);
    if (outcome.ok() && !state.disabled) {
        state.disabled = true;
        outcome = state.write(places);
    }
    // Nor does it start with Windows.
    if (outcome.ok()) outcome = setStart(SERVICE_NAME, SERVICE_DISABLED);
    if (outcome.ok()) outcome = stopService();
    if (outcome.ok()) logfile::write("disabled");
    return outcome;
}

static Outcome update(const Places &places, const std::string &from, JsonWriter &json) {
    Version mine, older;
    Version::parse(VERSION, mine);
    if (!Version::parse(from, older) || older >= mine) return {Code::usage, "--from wants an older version than " VERSION, from, 0};
    Outcome installed = install(places, json);
    if (!installed.ok() && installed.code != Code::rebootNeeded) return installed;
    Outcome removed = removeFolder(places.root + L"\\" + wide(from));
    return removed.ok() ? installed : removed;
}

/// Removes all but this executable, which runs, and its folder: whoever called it removes those.
static Outcome uninstall(const Places &places, JsonWriter &json) {
    if (isSetOpen()) return busy();
    logfile::write("uninstalls");
    State state;
    Outcome outcome = State::read(places, state);
    if (!outcome.ok() && outcome.code != Code::broken) return outcome;
    ServiceStatus service, vss;
    outcome = look(SERVICE_NAME, service);
    if (outcome.ok()) outcome = look(L"VSS", vss);
    if (outcome.ok() && service.there && isOurs(places, service.command)) {
        outcome = stopService();
        if (outcome.ok()) outcome = deleteService();
    }
    // Only if it is still what we set: an administrator may have decided otherwise since.
    bool ours = state.vssStart != 0 && vss.there && vss.start == SERVICE_AUTO_START;
    if (outcome.ok() && ours && state.vssStart != SERVICE_AUTO_START) outcome = setStart(L"VSS", static_cast<DWORD>(state.vssStart));
    if (outcome.ok()) outcome = removeFolder(places.root, {places.program, places.state(), places.verbLock()});
    // Last, so that a verb that was broken off knows what is left to do.
    if (outcome.ok() && !DeleteFileW(places.state().c_str()) && GetLastError() != ERROR_FILE_NOT_FOUND)
        outcome = systemFailure("remove " + utf8(places.state()));
    json.field("remove", utf8(places.root));
    return outcome;
}

static Outcome run(const std::string &verb, const std::string &from, JsonWriter &json) {
    Places places = Places::ofThisProgram();
    if (verb == "verify") {
        Manifest manifest;
        Outcome outcome = Manifest::read(places, manifest);
        return outcome.ok() ? verify(places, manifest, true) : outcome;
    }
    if (!isAdministrator()) return {Code::notRoot, "needs SYSTEM or an administrator", "", 0};
    if (verb == "health") return health(places, json);
    Turn turn(places);
    if (!turn.outcome().ok()) return turn.outcome();
    if (verb == "install") return install(places, json);
    if (verb == "enable") return enable(places, json);
    if (verb == "disable") return disable(places);
    if (verb == "update") return update(places, from, json);
    return uninstall(places, json);
}

static bool isVerb(const std::string &word) {
    for (const char *each : {"verify", "install", "enable", "disable", "update", "uninstall", "health"}) {
        if (word == each) return true;
    }
    return false;
}

int runVerb(const std::vector<std::wstring> &arguments) {
    std::string verb = arguments.empty() ? "" : utf8(arguments[0]);
    bool isUpdate = verb == "update" && arguments.size() == 3 && arguments[1] == L"--from";
    JsonWriter json;
    json.beginObject().field("extension", EXTENSION).field("version", VERSION).field("verb", verb);
    Outcome outcome = isUpdate || (isVerb(verb) && verb != "update" && arguments.size() == 1)
                          ? run(verb, isUpdate ? utf8(arguments[2]) : "", json)
                          : Outcome{Code::usage, "verify | install | enable | disable | update --from VERSION | uninstall | health", "", 0};
    json.field("code", name(outcome.code)).field("message", outcome.message).field("detail", outcome.detail);
    std::string line = json.field("number", static_cast<int64_t>(outcome.number)).endObject().text() + "\n";
    DWORD written;
    WriteFile(GetStdHandle(STD_OUTPUT_HANDLE), line.data(), static_cast<DWORD>(line.size()), &written, nullptr);
    return exitCode(outcome.code);
}
