#include "coordinator.h"

#include "json.h"
#include "log.h"
#include "volumes.h"

#include <objbase.h>
#include <sddl.h>

/// VSS itself gives up after 60 seconds; then there is its own end to wait for.
static constexpr ULONGLONG RELEASE_MILLIS_MAX = 90'000;
static constexpr ULONGLONG COMPLETE_MILLIS_MAX = 90'000;
static constexpr DWORD END_MILLIS_MAX = 120'000;
static constexpr DWORD POLL_MILLIS = 10;

Coordinator::Coordinator()
    : thawWanted(CreateEventW(nullptr, TRUE, FALSE, nullptr)), stopping(CreateEventW(nullptr, TRUE, FALSE, nullptr)),
      ended(CreateEventW(nullptr, TRUE, TRUE, nullptr)) {}

const char *Coordinator::nameOf(State state) {
    switch (state) {
    case State::idle: return "idle";
    case State::preparing: return "preparing";
    case State::held: return "held";
    case State::thawing: return "thawing";
    case State::thawed: return "thawed";
    case State::failed: return "failed";
    }
    return "";
}

/// Nothing if the event exists already.
static Handle newEvent(const wchar_t *name, SECURITY_ATTRIBUTES &security) {
    Handle event(CreateEventW(&security, TRUE, FALSE, name));
    return GetLastError() == ERROR_ALREADY_EXISTS ? Handle() : std::move(event);
}

/// The names are the provider's (QEMU, qga/vss-win32/vss-common.h), which runs as SYSTEM.
bool Coordinator::openEvents() {
    SECURITY_ATTRIBUTES security = {sizeof security, nullptr, FALSE};
    if (!ConvertStringSecurityDescriptorToSecurityDescriptorW(L"D:P(A;;GA;;;SY)(A;;GA;;;BA)", SDDL_REVISION_1, &security.lpSecurityDescriptor, nullptr))
        return false;
    events = {newEvent(L"Global\\QGAVSSEvent-frozen", security), newEvent(L"Global\\QGAVSSEvent-thaw", security),
              newEvent(L"Global\\QGAVSSEvent-timeout", security)};
    LocalFree(security.lpSecurityDescriptor);
    if (events.frozen && events.thaw && events.timeout) return true;
    events = {};
    return false;
}

/// Tells nothing of the open set: whoever asked must not take it for his own, nor end it.
static std::string busy(const char *why) {
    JsonWriter json;
    return json.beginObject().field("code", "busy").field("message", why).field("state", "busy").endObject().text();
}

std::string Coordinator::freeze(const FreezeRequest &wanted) {
    {
        Lock::Held here(lock);
        if (running) return busy("a snapshot set is open");
        if (WaitForSingleObject(stopping.get(), 0) == WAIT_OBJECT_0) return busy("the service is stopping");
        if (!openEvents()) return busy("another program has frozen this guest by the agent's VSS provider");
        request = wanted;
        report = {};
        report.task = wanted.task;
        report.copy = wanted.copy;
        report.state = State::preparing;
        succeeded = false;
        ResetEvent(thawWanted.get());
        ResetEvent(ended.get());
        Handle thread(CreateThread(nullptr, 0, threadMain, this, 0, nullptr));
        running = static_cast<bool>(thread);
        if (!running) {
            report.state = State::failed;
            report.step = {"CreateThread", HRESULT_FROM_WIN32(GetLastError())};
            events = {};
            SetEvent(ended.get());
        }
        return answer();
    }
}

std::string Coordinator::status() {
    Lock::Held here(lock);
    return answer();
}

std::string Coordinator::thaw(bool backupSucceeded) {
    {
        Lock::Held here(lock);
        succeeded = backupSucceeded;
        if (running) SetEvent(thawWanted.get());
    }
    WaitForSingleObject(ended.get(), END_MILLIS_MAX);
    return status();
}

void Coordinator::shutDown() {
    SetEvent(stopping.get());
    {
        Lock::Held here(lock);
        // Preparations heed one event alone.
        if (running && report.state == State::preparing) SetEvent(thawWanted.get());
    }
    WaitForSingleObject(ended.get(), END_MILLIS_MAX);
}

DWORD WINAPI Coordinator::threadMain(void *self) {
    CoInitializeEx(nullptr, COINIT_MULTITHREADED);
    static_cast<Coordinator *>(self)->run();
    CoUninitialize();
    return 0;
}

void Coordinator::run() {
    logfile::write("freezes for task " + request.task);
    VssBackup backup;
    Patience patience = Patience::millis(request.prepareMillis, thawWanted.get());
    Step step = backup.prepare(request.copy ? VSS_BT_COPY : VSS_BT_FULL, patience);
    {
        Lock::Held here(lock);
        report.volumes = backup.volumes();
    }
    if (!step.failed()) step = backup.startSnapshot();
    if (!step.failed()) {
        // From here on a write of ours may have to wait for our own thaw.
        logfile::hold();
        step = awaitFrozen(backup, patience);
        if (!step.failed()) step = awaitRelease();
        Step released = release(backup);
        logfile::release();
        if (!step.failed()) step = released;
    }
    end(backup, step);
}

/// Waits for the provider, which has stopped writes when it signals.
Step Coordinator::awaitFrozen(VssBackup &backup, Patience patience) {
    HANDLE either[] = {events.frozen.get(), thawWanted.get()};
    while (true) {
        DWORD which = WaitForMultipleObjects(2, either, FALSE, POLL_MILLIS);
        if (which == WAIT_OBJECT_0) return {};
        if (which == WAIT_OBJECT_0 + 1) return {"DoSnapshotSet", HRESULT_FROM_WIN32(ERROR_CANCELLED)};
        if (backup.hasSnapshotEnded()) {
            Step ended = backup.finishSnapshot(Patience::millis(0));
            return ended.failed() ? ended : Step{"DoSnapshotSet", VSS_E_UNEXPECTED_PROVIDER_ERROR};
        }
        if (patience.left() == 0) return {"DoSnapshotSet", HRESULT_FROM_WIN32(ERROR_TIMEOUT)};
    }
}

/// While it waits nothing is called that could wait for a disk.
Step Coordinator::awaitRelease() {
    {
        Lock::Held here(lock);
        report.state = State::held;
        report.heldSince = GetTickCount64();
    }
    // The end of the service counts first: it sets the other one as well when it comes a moment too early.
    HANDLE either[] = {stopping.get(), thawWanted.get()};
    DWORD which = WaitForMultipleObjects(2, either, FALSE, request.autoThawMillis);
    Lock::Held here(lock);
    report.heldMillis = GetTickCount64() - report.heldSince;
    report.held = which == WAIT_OBJECT_0 + 1;
    report.thawedBy = report.held ? "command" : which == WAIT_OBJECT_0 ? "stop" : "deadline";
    if (report.held) return {};
    return {"hold", HRESULT_FROM_WIN32(which == WAIT_TIMEOUT ? ERROR_TIMEOUT : ERROR_SHUTDOWN_IN_PROGRESS)};
}

/// Lets writes go on, whatever happened before, and waits until VSS is through.
Step Coordinator::release(VssBackup &backup) {
    SetEvent(events.thaw.get());
    setState(State::thawing);
    Step step = backup.finishSnapshot(Patience::millis(RELEASE_MILLIS_MAX));
    Lock::Held here(lock);
    if (step.failed()) {
        if (report.held) report.thawedBy = "system";
        report.held = false;
    }
    return step;
}

void Coordinator::end(VssBackup &backup, Step step) {
    // What the writers say is worth knowing after a failure, too.
    if (report.heldSince != 0) {
        Step asked = backup.askWriters(Patience::millis(COMPLETE_MILLIS_MAX));
        if (!step.failed()) step = asked;
    }
    bool wanted;
    {
        Lock::Held here(lock);
        wanted = succeeded;
    }
    bool completed = false;
    if (!step.failed() && wanted) {
        step = backup.complete(Patience::millis(COMPLETE_MILLIS_MAX));
        completed = !step.failed();
    }
    if (!completed) backup.abort();
    std::string line;
    {
        Lock::Held here(lock);
        report.writers = backup.writers();
        report.step = step;
        report.state = step.failed() ? State::failed : State::thawed;
        events = {};
        running = false;
        line = answer();
        SetEvent(ended.get());
    }
    logfile::write(line);
}

void Coordinator::setState(State state) {
    Lock::Held here(lock);
    report.state = state;
}

std::string Coordinator::answer() {
    JsonWriter json;
    json.beginObject().field("code", "ok").field("task", report.task).field("state", nameOf(report.state));
    json.field("held", report.held).field("thawedBy", report.thawedBy).field("backupType", report.copy ? "copy" : "full");
    json.key("volumes").beginArray();
    for (const std::string &each : report.volumes) json.value(each);
    json.endArray();
    ULONGLONG millis = report.state == State::held ? GetTickCount64() - report.heldSince : report.heldMillis;
    json.field("heldMs", static_cast<int64_t>(millis)).field("stage", report.step.stage);
    json.field("hresult", hex(static_cast<uint32_t>(report.step.result))).key("writers").beginArray();
    for (const Writer &each : report.writers) {
        json.beginObject().field("id", text(each.id)).field("instance", text(each.instance)).field("name", each.name);
        json.field("state", static_cast<int64_t>(each.state)).field("failure", hex(static_cast<uint32_t>(each.failure)));
        json.field("selected", each.selected).endObject();
    }
    return json.endArray().endObject().text();
}

std::string Coordinator::flush() {
    {
        Lock::Held here(lock);
        if (running) return busy("a snapshot set is open");
    }
    std::vector<Volume> volumes;
    DWORD failure = fixedVolumes(volumes);
    JsonWriter json;
    json.beginObject().key("volumes").beginArray();
    for (const Volume &each : volumes) {
        DWORD error = ::flush(each);
        if (error) failure = error;
        json.beginObject().field("path", utf8(each.mount.empty() ? each.name : each.mount));
        json.field("hresult", hex(static_cast<uint32_t>(HRESULT_FROM_WIN32(error)))).endObject();
    }
    json.endArray().field("code", failure ? "failed" : "ok").field("message", failure ? systemText(failure) : "");
    return json.field("hresult", hex(static_cast<uint32_t>(HRESULT_FROM_WIN32(failure)))).endObject().text();
}
