#include "prerequisites.h"

#include "files.h"
#include "log.h"
#include "text.h"

#include <algorithm>

static constexpr const wchar_t *RUNTIME_KEY = L"SOFTWARE\\Microsoft\\VisualStudio\\12.0\\VC\\Runtimes\\x64";
static constexpr const wchar_t *UNINSTALL_KEY = L"SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Uninstall";
/// Programs of 64 and of 32 bits see different halves of the registry; installers of the runtime use both.
static constexpr REGSAM VIEWS[] = {KEY_WOW64_64KEY, KEY_WOW64_32KEY};

/// Owns an open key of the registry.
class Key {
  public:
    Key(HKEY parent, const wchar_t *path, REGSAM view) {
        if (RegOpenKeyExW(parent, path, 0, KEY_READ | view, &key) != ERROR_SUCCESS) key = nullptr;
    }
    Key(const Key &) = delete;
    Key &operator=(const Key &) = delete;
    ~Key() {
        if (key) RegCloseKey(key);
    }
    HKEY get() const { return key; }
    explicit operator bool() const { return key != nullptr; }

    std::wstring text(const wchar_t *name) const {
        wchar_t value[256] = L"";
        DWORD bytes = sizeof value;
        return RegGetValueW(key, nullptr, name, RRF_RT_REG_SZ, nullptr, value, &bytes) == ERROR_SUCCESS ? value : L"";
    }
    DWORD number(const wchar_t *name) const {
        DWORD value = 0;
        DWORD bytes = sizeof value;
        return RegGetValueW(key, nullptr, name, RRF_RT_REG_DWORD, nullptr, &value, &bytes) == ERROR_SUCCESS ? value : 0;
    }

  private:
    HKEY key;
};

/// Of `v12.0.40660.00`, `12.0.40664.0` the first three numbers; others are no version of ours.
static bool parseRuntime(const std::wstring &text, Version &version) {
    std::string plain = utf8(text);
    if (!plain.empty() && plain[0] == 'v') plain.erase(0, 1);
    size_t second = plain.find('.', plain.find('.') + 1);
    size_t third = second == std::string::npos ? second : plain.find('.', second + 1);
    return Version::parse(plain.substr(0, third), version) && version.parts[0] == 12 && version.parts[1] == 0;
}

static void takeNewer(const std::wstring &text, Version &newest) {
    Version version;
    if (parseRuntime(text, version)) newest = std::max(newest, version);
}

static void searchUninstallKeys(REGSAM view, Version &newest) {
    Key list(HKEY_LOCAL_MACHINE, UNINSTALL_KEY, view);
    wchar_t name[256];
    for (DWORD i = 0; list; i++) {
        DWORD length = 256;
        if (RegEnumKeyExW(list.get(), i, name, &length, nullptr, nullptr, nullptr, nullptr) != ERROR_SUCCESS) break;
        Key product(list.get(), name, view);
        std::wstring title = product ? product.text(L"DisplayName") : L"";
        // "Microsoft Visual C++ 2013 Redistributable (x64) - 12.0.40660" and "… 2013 x64 Minimum Runtime - …".
        if (title.find(L"Visual C++ 2013") != std::wstring::npos && title.find(L"x64") != std::wstring::npos)
            takeNewer(product.text(L"DisplayVersion"), newest);
    }
}

/// The version resource of a file, read without the library for it: its fixed part is found by its signature.
static void readVersionOf(const std::wstring &path, Version &newest) {
    HMODULE file = LoadLibraryExW(path.c_str(), nullptr, LOAD_LIBRARY_AS_DATAFILE_EXCLUSIVE);
    if (!file) return;
    HRSRC found = FindResourceW(file, MAKEINTRESOURCEW(VS_VERSION_INFO), RT_VERSION);
    HGLOBAL loaded = found ? LoadResource(file, found) : nullptr;
    auto *words = static_cast<const DWORD *>(loaded ? LockResource(loaded) : nullptr);
    DWORD count = words ? SizeofResource(file, found) / sizeof(DWORD) : 0;
    for (DWORD i = 0; i + sizeof(VS_FIXEDFILEINFO) / sizeof(DWORD) <= count; i++) {
        if (words[i] != VS_FFI_SIGNATURE) continue;
        auto *fixed = reinterpret_cast<const VS_FIXEDFILEINFO *>(words + i);
        Version version{{HIWORD(fixed->dwFileVersionMS), LOWORD(fixed->dwFileVersionMS), HIWORD(fixed->dwFileVersionLS)}};
        if (version.parts[0] == 12 && version.parts[1] == 0) newest = std::max(newest, version);
        break;
    }
    FreeLibrary(file);
}

std::string runtimeVersion() {
    Version newest;
    for (REGSAM view : VIEWS) {
        Key key(HKEY_LOCAL_MACHINE, RUNTIME_KEY, view);
        if (key && key.number(L"Installed") == 1) takeNewer(key.text(L"Version"), newest);
        searchUninstallKeys(view, newest);
    }
    if (newest == Version{}) {
        wchar_t system[MAX_PATH];
        UINT length = GetSystemDirectoryW(system, MAX_PATH);
        if (length > 0 && length < MAX_PATH) readVersionOf(std::wstring(system) + L"\\msvcr120.dll", newest);
    }
    if (newest == Version{}) return "";
    return std::to_string(newest.parts[0]) + "." + std::to_string(newest.parts[1]) + "." + std::to_string(newest.parts[2]);
}

static bool isSatisfied(const Prerequisite &needed, const std::string &there) {
    Version wanted, found;
    return Version::parse(needed.version, wanted) && Version::parse(there, found) && found >= wanted;
}

/// Adds an argument as CommandLineToArgvW takes it apart again.
static void appendArgument(std::wstring &line, const std::wstring &argument) {
    line += L" \"";
    size_t backslashes = 0;
    for (wchar_t c : argument) {
        if (c == L'"') line.append(backslashes + 1, L'\\');
        backslashes = c == L'\\' ? backslashes + 1 : 0;
        line += c;
    }
    line.append(backslashes, L'\\');
    line += L'"';
}

/// Runs an installer in a job, so that what it started ends with it where it has to be ended.
static Outcome run(const std::wstring &program, const Prerequisite &needed, ULONGLONG millisMax, DWORD &exitCode) {
    std::wstring line = L"\"" + program + L"\"";
    for (const std::wstring &each : needed.arguments) appendArgument(line, each);
    Handle job(CreateJobObjectW(nullptr, nullptr));
    STARTUPINFOW start = {};
    start.cb = sizeof start;
    PROCESS_INFORMATION made;
    // It inherits nothing: our standard output is the agent's.
    if (!CreateProcessW(program.c_str(), line.data(), nullptr, nullptr, FALSE, CREATE_SUSPENDED | CREATE_NO_WINDOW, nullptr,
                        parentOf(program).c_str(), &start, &made))
        return {Code::prerequisiteFailed, "can't start " + utf8(program), systemText(GetLastError()), GetLastError()};
    Handle process(made.hProcess), thread(made.hThread);
    bool inJob = job && AssignProcessToJobObject(job.get(), process.get());
    ResumeThread(thread.get());
    if (WaitForSingleObject(process.get(), static_cast<DWORD>(millisMax)) != WAIT_OBJECT_0) {
        if (inJob) TerminateJobObject(job.get(), WAIT_TIMEOUT);
        TerminateProcess(process.get(), WAIT_TIMEOUT);
        return {Code::prerequisiteFailed, utf8(program) + " did not end in time and was ended", std::to_string(millisMax) + " ms", WAIT_TIMEOUT};
    }
    GetExitCodeProcess(process.get(), &exitCode);
    return {};
}

/// Runs the installer, which nobody can change between the check of its hash and its end.
static Outcome install(const Places &places, const Manifest &manifest, const Prerequisite &needed) {
    std::wstring program = places.package + L"\\" + needed.file;
    Handle file;
    std::string digest;
    if (needed.file.empty()) return {Code::prerequisiteMissing, needed.id + " " + needed.version + " is not there, and no installer was supplied", "", 0};
    Outcome outcome = openUnchanging(program, file);
    if (outcome.ok()) outcome = sha256(file.get(), digest);
    if (!outcome.ok()) return {Code::prerequisiteFailed, outcome.message, outcome.detail, outcome.number};
    if (digest != needed.sha256)
        return {Code::prerequisiteWrongHash, utf8(needed.file) + " is not the installer that the manifest names: it was not run",
                "SHA-256 " + digest + ", expected " + needed.sha256, 0};
    DWORD exitCode = 0;
    logfile::write("runs " + utf8(program));
    // A tenth is left for the rest of the verb.
    outcome = run(program, needed, static_cast<ULONGLONG>(manifest.installSeconds) * 900, exitCode);
    if (!outcome.ok()) return outcome;
    logfile::write(utf8(needed.file) + " ended with " + std::to_string(exitCode));
    if (std::find(needed.okExitCodes.begin(), needed.okExitCodes.end(), static_cast<int64_t>(exitCode)) == needed.okExitCodes.end())
        return {Code::prerequisiteFailed, utf8(needed.file) + " failed with " + std::to_string(exitCode), systemText(exitCode), exitCode};
    if (exitCode == ERROR_SUCCESS_REBOOT_REQUIRED)
        return {Code::rebootNeeded, needed.id + " is installed but for a restart of Windows", systemText(exitCode), exitCode};
    return {};
}

PrerequisiteResult ensure(const Places &places, const Manifest &manifest, const Prerequisite &needed) {
    PrerequisiteResult result;
    result.id = needed.id;
    if (needed.id != "vcredist2013-x64") {
        result.outcome = "failed";
        result.problem = {Code::prerequisiteFailed, "this version of the extension does not know the prerequisite " + needed.id, "", 0};
        result.isError = true;
        return result;
    }
    result.version = runtimeVersion();
    if (isSatisfied(needed, result.version)) {
        result.outcome = "present";
        return result;
    }
    result.problem = install(places, manifest, needed);
    result.version = runtimeVersion();
    bool there = isSatisfied(needed, result.version);
    if (result.problem.ok() && !there)
        result.problem = {Code::prerequisiteMissing, "the installer of " + needed.id + " succeeded, yet Windows does not know version " + needed.version,
                          "found: " + (result.version.empty() ? "none" : result.version), 0};
    result.outcome = there ? "installed" : result.problem.code == Code::prerequisiteMissing ? "absent" : "failed";
    if (result.problem.code == Code::rebootNeeded) result.outcome = "installed";
    // Our own executable does not need it: what is only missing is told, and stops nothing unless the operator says so.
    result.isError = !result.problem.ok() && result.problem.code != Code::rebootNeeded &&
                     (result.problem.code != Code::prerequisiteMissing || needed.required);
    return result;
}

bool isRebootPending() {
    return static_cast<bool>(Key(HKEY_LOCAL_MACHINE, L"SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Component Based Servicing\\RebootPending",
                                 KEY_WOW64_64KEY)) ||
           static_cast<bool>(
               Key(HKEY_LOCAL_MACHINE, L"SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\WindowsUpdate\\Auto Update\\RebootRequired", KEY_WOW64_64KEY));
}
