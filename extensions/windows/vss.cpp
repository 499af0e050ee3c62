#include "vss.h"

#include "volumes.h"

#include <objbase.h>
#include <oleauto.h>

#include <algorithm>

/// The provider that qemu-ga installs (QEMU, qga/vss-win32/vss-common.h). Its DLL lives in a process of Windows, which
/// holds writes between its two events; so we need no COM+ application of our own.
static const GUID QGA_PROVIDER = {0x3629d4ed, 0xee09, 0x4e0e, {0x9a, 0x5c, 0x6d, 0x8b, 0xa2, 0x87, 0x2a, 0xef}};

static constexpr DWORD POLL_MILLIS = 20;
/// How long a cancelled step may take to end.
static constexpr ULONGLONG CANCEL_MILLIS_MAX = 30'000;

/// A text that VSS gave us.
class Text {
  public:
    Text() = default;
    Text(const Text &) = delete;
    Text &operator=(const Text &) = delete;
    ~Text() { SysFreeString(text); }
    BSTR *out() { return &text; }
    std::wstring copy() const { return text ? std::wstring(text, SysStringLen(text)) : L""; }

  private:
    BSTR text = nullptr;
};

ULONGLONG Patience::left() const {
    ULONGLONG now = GetTickCount64();
    return now < until ? until - now : 0;
}

bool Writer::hasFailed() const {
    // The failed states are the last ones of the enumeration, in both of its parts (vswriter.h).
    return (state >= VSS_WS_FAILED_AT_IDENTIFY && state <= VSS_WS_FAILED_AT_BACKUPSHUTDOWN) || state == VSS_WS_UNKNOWN || FAILED(failure);
}

/// Waits for a step of VSS by asking: its own wait can't be ended. Cancels it when patience is over.
static HRESULT await(IVssAsync *step, Patience patience) {
    HRESULT reason = S_OK;
    while (true) {
        HRESULT status;
        HRESULT asked = step->QueryStatus(&status, nullptr);
        if (FAILED(asked)) return asked;
        if (status != VSS_S_ASYNC_PENDING) {
            if (FAILED(reason)) return reason;
            return status == VSS_S_ASYNC_CANCELLED ? HRESULT_FROM_WIN32(ERROR_CANCELLED) : FAILED(status) ? status : S_OK;
        }
        ULONGLONG left = patience.left();
        DWORD wait = static_cast<DWORD>(std::min<ULONGLONG>(POLL_MILLIS, left));
        bool cancelled = patience.cancelled && WaitForSingleObject(patience.cancelled, wait) == WAIT_OBJECT_0;
        if (!patience.cancelled) Sleep(wait);
        if (left > 0 && !cancelled) continue;
        // It did not even heed the cancel.
        if (FAILED(reason)) return reason;
        reason = HRESULT_FROM_WIN32(cancelled ? ERROR_CANCELLED : ERROR_TIMEOUT);
        step->Cancel();
        patience = Patience::millis(CANCEL_MILLIS_MAX);
    }
}

/// A step from its start to its end. @param started what the call that started it returned
static Step awaited(const char *stage, HRESULT started, const Com<IVssAsync> &step, Patience patience) {
    if (FAILED(started)) return {stage, started};
    if (!step) return {stage, E_POINTER};
    HRESULT ended = await(step.operator->(), patience);
    return FAILED(ended) ? Step{stage, ended} : Step{};
}

using Create = HRESULT(STDAPICALLTYPE *)(IVssBackupComponents **);

static HRESULT create(IVssBackupComponents **backup) {
    HMODULE library = LoadLibraryExW(L"vssapi.dll", nullptr, LOAD_LIBRARY_SEARCH_SYSTEM32);
    if (!library) return HRESULT_FROM_WIN32(GetLastError());
    // The plain name since Windows 7; before that only that of C++.
    FARPROC entry = GetProcAddress(library, "CreateVssBackupComponentsInternal");
    if (!entry) entry = GetProcAddress(library, "?CreateVssBackupComponents@@YAJPEAPEAVIVssBackupComponents@@@Z");
    if (!entry) return HRESULT_FROM_WIN32(ERROR_PROC_NOT_FOUND);
    HRESULT made = reinterpret_cast<Create>(reinterpret_cast<void *>(entry))(backup);
    return SUCCEEDED(made) && !*backup ? E_POINTER : made;
}

HRESULT tryVss() {
    Com<IVssBackupComponents> backup;
    return create(backup.out());
}

Step VssBackup::prepare(VSS_BACKUP_TYPE type, Patience patience) {
    Step step = begin(type);
    if (step.failed()) return step;
    Com<IVssAsync> gathering;
    HRESULT started = backup->GatherWriterMetadata(gathering.out());
    step = awaited("GatherWriterMetadata", started, gathering, patience);
    if (!step.failed()) step = selectComponents();
    VSS_ID set;
    if (!step.failed() && FAILED(started = backup->StartSnapshotSet(&set))) step = {"StartSnapshotSet", started};
    if (!step.failed()) step = addVolumes();
    if (step.failed()) return step;
    Com<IVssAsync> preparing;
    started = backup->PrepareForBackup(preparing.out());
    step = awaited("PrepareForBackup", started, preparing, patience);
    Step asked = askWriters(patience);
    return step.failed() ? step : asked;
}

/// Classes of writers that an administrator leaves out, because they fail or are backed up by something else.
static std::vector<VSS_ID> disabledWriters() {
    wchar_t list[2048] = L"";
    DWORD bytes = sizeof list;
    std::vector<VSS_ID> ids;
    if (RegGetValueW(HKEY_LOCAL_MACHINE, L"SOFTWARE\\Stillpoint\\VMSnapshot", L"DisabledWriters", RRF_RT_REG_MULTI_SZ, nullptr, list, &bytes) !=
        ERROR_SUCCESS)
        return ids;
    for (const wchar_t *each = list; *each; each += wcslen(each) + 1) {
        VSS_ID id;
        if (SUCCEEDED(IIDFromString(each, &id))) ids.push_back(id);
    }
    return ids;
}

Step VssBackup::begin(VSS_BACKUP_TYPE type) {
    HRESULT result;
    if (FAILED(result = create(backup.out()))) return {"CreateVssBackupComponents", result};
    if (FAILED(result = backup->InitializeForBackup(nullptr))) return {"InitializeForBackup", result};
    // Components are chosen one by one; a bootable system state is wanted; no partial files.
    if (FAILED(result = backup->SetBackupState(true, true, type, false))) return {"SetBackupState", result};
    std::vector<VSS_ID> disabled = disabledWriters();
    if (!disabled.empty() && FAILED(result = backup->DisableWriterClasses(disabled.data(), static_cast<UINT>(disabled.size()))))
        return {"DisableWriterClasses", result};
    // The context that qemu-ga's provider is used with. Editions for clients know no transportable snapshots.
    constexpr LONG context = LONG{VSS_CTX_APP_ROLLBACK} | VSS_VOLSNAP_ATTR_NO_AUTORECOVERY | VSS_VOLSNAP_ATTR_TXF_RECOVERY;
    result = backup->SetContext(context | VSS_VOLSNAP_ATTR_TRANSPORTABLE);
    if (result == static_cast<HRESULT>(VSS_E_UNSUPPORTED_CONTEXT)) result = backup->SetContext(context);
    return FAILED(result) ? Step{"SetContext", result} : Step{};
}

Step VssBackup::selectComponents() {
    UINT count = 0;
    HRESULT result = backup->GetWriterMetadataCount(&count);
    if (FAILED(result)) return {"GetWriterMetadataCount", result};
    for (UINT i = 0; i < count; i++) {
        VSS_ID instance;
        Com<IVssExamineWriterMetadata> metadata;
        if (FAILED(result = backup->GetWriterMetadata(i, &instance, metadata.out()))) return {"GetWriterMetadata", result};
        Step step = selectOf(metadata.operator->());
        if (step.failed()) return step;
    }
    for (const Component &each : components) {
        result = backup->AddComponent(each.instance, each.writer, each.type, each.path.empty() ? nullptr : each.path.c_str(), each.name.c_str());
        if (FAILED(result)) return {"AddComponent", result};
    }
    return {};
}

/// A component of a writer, as far as choosing needs it.
struct Offered {
    VSS_COMPONENT_TYPE type;
    std::wstring path;
    std::wstring name;
    bool selectable;

    std::wstring fullPath() const { return path.empty() ? name : path + L"\\" + name; }
    bool isAbove(const Offered &other) const {
        std::wstring prefix = fullPath();
        return other.path == prefix || other.path.compare(0, prefix.size() + 1, prefix + L"\\") == 0;
    }
};

static HRESULT readComponent(IVssExamineWriterMetadata *metadata, UINT index, Offered &component) {
    Com<IVssWMComponent> offered;
    HRESULT result = metadata->GetComponent(index, offered.out());
    if (FAILED(result)) return result;
    PVSSCOMPONENTINFO info = nullptr;
    if (FAILED(result = offered->GetComponentInfo(&info))) return result;
    component = {info->type, info->bstrLogicalPath ? info->bstrLogicalPath : L"", info->bstrComponentName ? info->bstrComponentName : L"",
                 info->bSelectable != 0};
    offered->FreeComponentInfo(info);
    return S_OK;
}

/// Chooses every component but those below one that can be selected, which that one includes ("Working with
/// Selectability for Backup" in Microsoft's documentation of VSS).
Step VssBackup::selectOf(IVssExamineWriterMetadata *metadata) {
    VSS_ID instance, writer;
    Text name;
    VSS_USAGE_TYPE usage;
    VSS_SOURCE_TYPE source;
    HRESULT result = metadata->GetIdentity(&instance, &writer, name.out(), &usage, &source);
    if (FAILED(result)) return {"GetIdentity", result};
    UINT included, excluded, count = 0;
    if (FAILED(result = metadata->GetFileCounts(&included, &excluded, &count))) return {"GetFileCounts", result};
    std::vector<Offered> all(count);
    for (UINT i = 0; i < count; i++) {
        if (FAILED(result = readComponent(metadata, i, all[i]))) return {"GetComponent", result};
    }
    for (const Offered &each : all) {
        bool below = std::any_of(all.begin(), all.end(), [&](const Offered &other) { return other.selectable && other.isAbove(each); });
        if (!below) components.push_back({instance, writer, each.type, each.path, each.name});
    }
    return {};
}

Step VssBackup::addVolumes() {
    std::vector<Volume> volumes;
    if (DWORD error = fixedVolumes(volumes)) return {"FindFirstVolume", HRESULT_FROM_WIN32(error)};
    for (const Volume &each : volumes) {
        VSS_ID snapshotId;
        HRESULT result = backup->AddToSnapshotSet(const_cast<wchar_t *>(each.name.c_str()), QGA_PROVIDER, &snapshotId);
        bool unsupported =
            result == static_cast<HRESULT>(VSS_E_VOLUME_NOT_SUPPORTED) || result == static_cast<HRESULT>(VSS_E_VOLUME_NOT_SUPPORTED_BY_PROVIDER);
        // Partitions for booting and repair have no file system that VSS knows, and no writer.
        if (unsupported && each.mount.empty()) continue;
        if (FAILED(result)) return {"AddToSnapshotSet", result};
        names.push_back(utf8(each.mount.empty() ? each.name : each.mount));
    }
    return names.empty() ? Step{"AddToSnapshotSet", HRESULT_FROM_WIN32(ERROR_NO_VOLUME_ID)} : Step{};
}

Step VssBackup::startSnapshot() {
    HRESULT result = backup->DoSnapshotSet(snapshot.out());
    return FAILED(result) ? Step{"DoSnapshotSet", result} : Step{};
}

bool VssBackup::hasSnapshotEnded() {
    HRESULT status = S_OK;
    return FAILED(snapshot->QueryStatus(&status, nullptr)) || status != VSS_S_ASYNC_PENDING;
}

Step VssBackup::finishSnapshot(Patience patience) {
    return awaited("DoSnapshotSet", S_OK, snapshot, patience);
}

Step VssBackup::askWriters(Patience patience) {
    Com<IVssAsync> gathering;
    HRESULT started = backup->GatherWriterStatus(gathering.out());
    Step step = awaited("GatherWriterStatus", started, gathering, patience);
    if (!step.failed()) step = readWriters();
    backup->FreeWriterStatus();
    if (step.failed()) return step;
    for (const Writer &each : found) {
        if (each.selected && each.hasFailed()) return {"writers", FAILED(each.failure) ? each.failure : VSS_E_WRITERERROR_NONRETRYABLE};
    }
    return {};
}

Step VssBackup::readWriters() {
    UINT count = 0;
    HRESULT result = backup->GetWriterStatusCount(&count);
    if (FAILED(result)) return {"GetWriterStatusCount", result};
    found.clear();
    for (UINT i = 0; i < count; i++) {
        Writer writer = {};
        Text name;
        result = backup->GetWriterStatus(i, &writer.instance, &writer.id, name.out(), &writer.state, &writer.failure);
        if (FAILED(result)) return {"GetWriterStatus", result};
        writer.name = utf8(name.copy());
        // One class may run several times, as SQL Server does: the instance tells which.
        writer.selected = std::any_of(components.begin(), components.end(),
                                      [&](const Component &each) { return IsEqualGUID(each.instance, writer.instance); });
        found.push_back(writer);
    }
    return {};
}

Step VssBackup::complete(Patience patience) {
    for (const Component &each : components) {
        HRESULT result = backup->SetBackupSucceeded(each.instance, each.writer, each.type, each.path.empty() ? nullptr : each.path.c_str(),
                                                    each.name.c_str(), true);
        if (FAILED(result)) return {"SetBackupSucceeded", result};
    }
    Com<IVssAsync> completing;
    HRESULT started = backup->BackupComplete(completing.out());
    return awaited("BackupComplete", started, completing, patience);
}

void VssBackup::abort() {
    // Fails where the backup is over already: then there is nothing to abort.
    if (backup) backup->AbortBackup();
}
