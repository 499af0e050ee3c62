#include "service.h"

#include "files.h"
#include "log.h"
#include "package.h"
#include "pipe.h"
#include "services.h"

#include <objbase.h>
#include <sddl.h>

static SERVICE_STATUS_HANDLE status;
static HANDLE stopWanted;

/// @param millis how long the next step may take, at most
static void report(DWORD state, DWORD millis = 0, DWORD error = NO_ERROR) {
    static DWORD checkPoint = 0;
    SERVICE_STATUS now = {};
    now.dwServiceType = SERVICE_WIN32_OWN_PROCESS;
    now.dwCurrentState = state;
    now.dwControlsAccepted = state == SERVICE_RUNNING ? SERVICE_ACCEPT_STOP | SERVICE_ACCEPT_SHUTDOWN : 0;
    now.dwWin32ExitCode = error;
    now.dwWaitHint = millis;
    now.dwCheckPoint = millis ? ++checkPoint : 0;
    SetServiceStatus(status, &now);
}

static DWORD WINAPI control(DWORD what, DWORD, void *, void *) {
    if (what == SERVICE_CONTROL_STOP || what == SERVICE_CONTROL_SHUTDOWN) {
        report(SERVICE_STOP_PENDING, 130'000);
        SetEvent(stopWanted);
        return NO_ERROR;
    }
    return what == SERVICE_CONTROL_INTERROGATE ? NO_ERROR : ERROR_CALL_NOT_IMPLEMENTED;
}

/// Writers call back into this process, some as LOCAL SERVICE or NETWORK SERVICE: those, SYSTEM and administrators may.
/// Without that VSS logs events 8194 and loses their answers.
static HRESULT secureCom() {
    PSECURITY_DESCRIPTOR relative;
    if (!ConvertStringSecurityDescriptorToSecurityDescriptorW(L"O:BAG:BAD:(A;;0x3;;;SY)(A;;0x3;;;BA)(A;;0x3;;;LS)(A;;0x3;;;NS)", SDDL_REVISION_1,
                                                              &relative, nullptr))
        return HRESULT_FROM_WIN32(GetLastError());
    // COM wants the form with pointers.
    alignas(void *) static BYTE absolute[256], dacl[512], owner[SECURITY_MAX_SID_SIZE], group[SECURITY_MAX_SID_SIZE];
    DWORD absoluteBytes = sizeof absolute, daclBytes = sizeof dacl, saclBytes = 0, ownerBytes = sizeof owner, groupBytes = sizeof group;
    BOOL made = MakeAbsoluteSD(relative, absolute, &absoluteBytes, reinterpret_cast<PACL>(dacl), &daclBytes, nullptr, &saclBytes, owner, &ownerBytes,
                               group, &groupBytes);
    DWORD error = GetLastError();
    LocalFree(relative);
    if (!made) return HRESULT_FROM_WIN32(error);
    return CoInitializeSecurity(absolute, -1, nullptr, nullptr, RPC_C_AUTHN_LEVEL_PKT_PRIVACY, RPC_C_IMP_LEVEL_IDENTIFY, nullptr, EOAC_NONE, nullptr);
}

/// At each start: that nobody else can have put anything beside us, and that we and all else of the package are what the
/// signed manifest says. What has been put in our place itself would not ask; the host, which holds the key, looks at that.
static Outcome checkOwnFiles() {
    Places places = Places::ofThisProgram();
    Manifest manifest;
    Outcome outcome = requireOwnFolders(places.package);
    if (outcome.ok()) outcome = Manifest::read(places, manifest);
    return outcome.ok() ? verify(places, manifest, false) : outcome;
}

static void WINAPI serviceMain(DWORD, wchar_t **) {
    status = RegisterServiceCtrlHandlerExW(SERVICE_NAME, control, nullptr);
    if (!status) return;
    report(SERVICE_START_PENDING, 10'000);
    CoInitializeEx(nullptr, COINIT_MULTITHREADED);
    Outcome sound = checkOwnFiles();
    if (!sound.ok()) {
        logfile::write("does not serve: " + sound.message + ": " + sound.detail);
        report(SERVICE_STOPPED, 0, sound.number ? sound.number : ERROR_FILE_CORRUPT);
        return;
    }
    HRESULT secured = secureCom();
    // They live as long as the process: a thread of the pipe may still use them when it ends.
    auto *coordinator = new Coordinator();
    auto *pipe = new PipeServer(*coordinator);
    DWORD error = FAILED(secured) ? static_cast<DWORD>(secured) : pipe->start();
    if (error) {
        logfile::write("can't serve: " + systemText(error));
        report(SERVICE_STOPPED, 0, error);
        return;
    }
    logfile::write("serves, version " VERSION);
    report(SERVICE_RUNNING);
    WaitForSingleObject(stopWanted, INFINITE);
    coordinator->shutDown();
    logfile::write("stops");
    report(SERVICE_STOPPED);
}

int runService() {
    stopWanted = CreateEventW(nullptr, TRUE, FALSE, nullptr);
    SERVICE_TABLE_ENTRYW table[] = {{const_cast<wchar_t *>(SERVICE_NAME), serviceMain}, {nullptr, nullptr}};
    return StartServiceCtrlDispatcherW(table) ? 0 : 1;
}
