// A FAKE of Windows' vssapi.dll, for tests under Wine: as much of a VSS coordinator as requesters see, with writers that do
// as a script says. It proves how requesters use the interface and what they make of its answers, nothing about VSS itself.
// The provider is the real one of qemu-ga, loaded into the requester's process.
//
// C:\vss-script.txt, read when a requester is made: one `key=number` per line, numbers as C has them.
//   fail.CALL    the call returns this HRESULT
//   async.CALL   the call succeeds, but what it starts ends with this HRESULT
//   prepareMs    how long PrepareForBackup takes, 0
//   freezeMs     how long until writers have frozen and the provider may hold, 100
//   holdMs       how long writes may be held, 10000; when it was longer the set fails, as Windows has it
//   isClient     1: knows no transportable snapshots, as editions for clients
//   failing      which writer fails: 0 to 3
//   failsAt      the state it fails in (VSS_WRITER_STATE); at 7 (prepare) it does so before the freeze
//   failsWith    its HRESULT
// C:\vss-calls.txt: the calls that change something, one per line.
#define WIN32_LEAN_AND_MEAN
#define __in
#include <windows.h>

#include <oleauto.h>
#include <vss.h>
#include <vswriter.h>

#include <vsbackup.h>
#include <vsprov.h>
#undef __in

#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>

struct FakeComponent {
    const wchar_t *path;
    const wchar_t *name;
    bool selectable;
};

struct FakeWriter {
    const wchar_t *name;
    GUID id;
    int count;
    FakeComponent components[3];
};

/// The last one has nothing to back up, so no requester selects it.
static const FakeWriter WRITERS[] = {
    {L"System Writer", {0xe8132975, 0x6f93, 0x4464, {0xa5, 0x3e, 0x10, 0x50, 0x25, 0x3a, 0xe2, 0x20}}, 1, {{nullptr, L"System Files", false}}},
    {L"Registry Writer", {0xafbab4a2, 0x367d, 0x4d15, {0xa5, 0x86, 0x71, 0xdb, 0xb1, 0x8f, 0x84, 0x85}}, 1, {{nullptr, L"Registry", false}}},
    {L"SqlServerWriter",
     {0xa65faa63, 0x5ea8, 0x4ebc, {0x9d, 0xbd, 0xa0, 0xc4, 0xdb, 0x26, 0x91, 0x2a}},
     3,
     {{nullptr, L"SERVER", true}, {L"SERVER", L"orders", true}, {L"SERVER\\old", L"stock", false}}},
    {L"Task Scheduler Writer", {0xd61d61c8, 0xd73a, 0x4eee, {0x8c, 0xdd, 0xf6, 0xf9, 0x78, 0x6b, 0x71, 0x24}}, 0, {}},
};
static constexpr UINT WRITER_COUNT = ARRAYSIZE(WRITERS);

static VSS_ID instanceOf(UINT writer) {
    VSS_ID id = WRITERS[writer].id;
    id.Data1 = writer + 1;
    return id;
}

static std::string narrow(const wchar_t *text) {
    std::string result;
    for (; text && *text; text++) result += static_cast<char>(*text);
    return result;
}

static void note(const std::string &line) {
    if (FILE *file = fopen("C:\\vss-calls.txt", "ab")) {
        fprintf(file, "%s\n", line.c_str());
        fclose(file);
    }
}

class Script {
  public:
    Script() {
        FILE *file = fopen("C:\\vss-script.txt", "rb");
        char line[200];
        while (file && fgets(line, sizeof line, file)) {
            std::string text = line;
            size_t equals = text.find('=');
            if (equals != std::string::npos) values[text.substr(0, equals)] = strtoul(text.c_str() + equals + 1, nullptr, 0);
        }
        if (file) fclose(file);
    }
    DWORD number(const std::string &key, DWORD otherwise) const {
        auto found = values.find(key);
        return found == values.end() ? otherwise : found->second;
    }

  private:
    std::map<std::string, DWORD> values;
};

template <class T> class Counted : public T {
  public:
    HRESULT STDMETHODCALLTYPE QueryInterface(REFIID, void **object) override {
        *object = nullptr;
        return E_NOINTERFACE;
    }
    ULONG STDMETHODCALLTYPE AddRef() override { return InterlockedIncrement(&references); }
    ULONG STDMETHODCALLTYPE Release() override {
        ULONG left = InterlockedDecrement(&references);
        if (left == 0) delete this;
        return left;
    }

  protected:
    virtual ~Counted() = default;

  private:
    LONG references = 1;
};

class FakeAsync final : public Counted<IVssAsync> {
  public:
    void finish(HRESULT with) { InterlockedExchange(&result, with); }

    HRESULT STDMETHODCALLTYPE Cancel() override {
        InterlockedCompareExchange(&result, VSS_S_ASYNC_CANCELLED, VSS_S_ASYNC_PENDING);
        return S_OK;
    }
    HRESULT STDMETHODCALLTYPE Wait(DWORD millis) override {
        for (ULONGLONG end = GetTickCount64() + millis; result == VSS_S_ASYNC_PENDING && (millis == INFINITE || GetTickCount64() < end);) Sleep(10);
        return S_OK;
    }
    HRESULT STDMETHODCALLTYPE QueryStatus(HRESULT *status, INT *) override {
        *status = result;
        return S_OK;
    }

  private:
    LONG volatile result = VSS_S_ASYNC_PENDING;
};

#define UNUSED(name, ...)                                                                                                                            \
    HRESULT STDMETHODCALLTYPE name(__VA_ARGS__) override {                                                                                           \
        note("unexpected " #name);                                                                                                                   \
        return E_NOTIMPL;                                                                                                                            \
    }

/// Not a COM object of its own in the headers: an interface whose methods are counted by hand.
class FakeComponentMetadata final : public Counted<IVssWMComponent> {
  public:
    explicit FakeComponentMetadata(const FakeComponent &component) : component(component) {}

    HRESULT STDMETHODCALLTYPE GetComponentInfo(PVSSCOMPONENTINFO *info) override {
        auto *made = new VSS_COMPONENTINFO();
        made->type = VSS_CT_FILEGROUP;
        made->bstrLogicalPath = component.path ? SysAllocString(component.path) : nullptr;
        made->bstrComponentName = SysAllocString(component.name);
        made->bSelectable = component.selectable;
        *info = made;
        return S_OK;
    }
    HRESULT STDMETHODCALLTYPE FreeComponentInfo(PVSSCOMPONENTINFO info) override {
        SysFreeString(info->bstrLogicalPath);
        SysFreeString(info->bstrComponentName);
        delete info;
        return S_OK;
    }
    UNUSED(GetFile, UINT, IVssWMFiledesc **)
    UNUSED(GetDatabaseFile, UINT, IVssWMFiledesc **)
    UNUSED(GetDatabaseLogFile, UINT, IVssWMFiledesc **)
    UNUSED(GetDependency, UINT, IVssWMDependency **)

  private:
    const FakeComponent &component;
};

class FakeMetadata final : public Counted<IVssExamineWriterMetadata> {
  public:
    explicit FakeMetadata(UINT writer) : writer(writer) {}

    HRESULT STDMETHODCALLTYPE GetIdentity(VSS_ID *instance, VSS_ID *id, BSTR *name, VSS_USAGE_TYPE *usage, VSS_SOURCE_TYPE *source) override {
        *instance = instanceOf(writer);
        *id = WRITERS[writer].id;
        *name = SysAllocString(WRITERS[writer].name);
        *usage = VSS_UT_USERDATA;
        *source = VSS_ST_OTHER;
        return S_OK;
    }
    HRESULT STDMETHODCALLTYPE GetFileCounts(UINT *included, UINT *excluded, UINT *components) override {
        *included = *excluded = 0;
        *components = static_cast<UINT>(WRITERS[writer].count);
        return S_OK;
    }
    HRESULT STDMETHODCALLTYPE GetComponent(UINT index, IVssWMComponent **component) override {
        *component = new FakeComponentMetadata(WRITERS[writer].components[index]);
        return S_OK;
    }
    UNUSED(GetIncludeFile, UINT, IVssWMFiledesc **)
    UNUSED(GetExcludeFile, UINT, IVssWMFiledesc **)
    UNUSED(GetRestoreMethod, VSS_RESTOREMETHOD_ENUM *, BSTR *, BSTR *, VSS_WRITERRESTORE_ENUM *, boolean *, UINT *)
    UNUSED(GetAlternateLocationMapping, UINT, IVssWMFiledesc **)
    UNUSED(GetBackupSchema, DWORD *)
    UNUSED(GetDocument, IXMLDOMDocument **)
    UNUSED(SaveAsXML, BSTR *)
    UNUSED(LoadFromXML, BSTR)

  private:
    UINT writer;
};

/// A reference to a COM object.
template <class T> class Ref {
  public:
    ~Ref() {
        if (object) object->Release();
    }
    void **out() { return reinterpret_cast<void **>(&object); }
    T *operator->() { return object; }

  private:
    T *object = nullptr;
};

class FakeBackup final : public Counted<IVssBackupComponents> {
  public:
    HRESULT STDMETHODCALLTYPE InitializeForBackup(BSTR) override { return call("InitializeForBackup"); }
    HRESULT STDMETHODCALLTYPE SetBackupState(boolean, boolean, VSS_BACKUP_TYPE type, boolean) override {
        return call("SetBackupState", std::to_string(type));
    }
    HRESULT STDMETHODCALLTYPE GatherWriterMetadata(IVssAsync **step) override { return start("GatherWriterMetadata", step); }
    HRESULT STDMETHODCALLTYPE GetWriterMetadataCount(UINT *count) override {
        *count = WRITER_COUNT;
        return failure("GetWriterMetadataCount");
    }
    HRESULT STDMETHODCALLTYPE GetWriterMetadata(UINT index, VSS_ID *instance, IVssExamineWriterMetadata **metadata) override {
        *metadata = nullptr;
        *instance = instanceOf(index);
        HRESULT failed = failure("GetWriterMetadata");
        if (SUCCEEDED(failed)) *metadata = new FakeMetadata(index);
        return failed;
    }
    HRESULT STDMETHODCALLTYPE FreeWriterMetadata() override { return S_OK; }
    HRESULT STDMETHODCALLTYPE AddComponent(VSS_ID, VSS_ID, VSS_COMPONENT_TYPE, LPCWSTR path, LPCWSTR name) override {
        return call("AddComponent", narrow(path) + "/" + narrow(name));
    }
    HRESULT STDMETHODCALLTYPE PrepareForBackup(IVssAsync **step) override {
        HRESULT failed = call("PrepareForBackup");
        if (FAILED(failed)) return failed;
        prepared = true;
        startThread(prepareMain, step);
        return S_OK;
    }
    HRESULT STDMETHODCALLTYPE AbortBackup() override { return call("AbortBackup"); }
    HRESULT STDMETHODCALLTYPE GatherWriterStatus(IVssAsync **step) override { return start("GatherWriterStatus", step); }
    HRESULT STDMETHODCALLTYPE GetWriterStatusCount(UINT *count) override {
        *count = WRITER_COUNT;
        return failure("GetWriterStatusCount");
    }
    HRESULT STDMETHODCALLTYPE FreeWriterStatus() override { return S_OK; }
    HRESULT STDMETHODCALLTYPE GetWriterStatus(UINT index, VSS_ID *instance, VSS_ID *id, BSTR *name, VSS_WRITER_STATE *state, HRESULT *result) override {
        *instance = instanceOf(index);
        *id = WRITERS[index].id;
        *name = SysAllocString(WRITERS[index].name);
        auto failsAt = static_cast<VSS_WRITER_STATE>(script.number("failsAt", VSS_WS_FAILED_AT_FREEZE));
        bool fails = script.number("failing", WRITER_COUNT) == index && (frozen || (prepared && failsAt == VSS_WS_FAILED_AT_PREPARE_BACKUP));
        *state = fails ? failsAt : frozen ? VSS_WS_WAITING_FOR_BACKUP_COMPLETE : VSS_WS_STABLE;
        *result = fails ? static_cast<HRESULT>(script.number("failsWith", 0x800423F4)) : S_OK;
        return failure("GetWriterStatus");
    }
    HRESULT STDMETHODCALLTYPE SetBackupSucceeded(VSS_ID, VSS_ID, VSS_COMPONENT_TYPE, LPCWSTR path, LPCWSTR name, boolean succeeded) override {
        return call("SetBackupSucceeded", narrow(path) + "/" + narrow(name) + (succeeded ? " yes" : " no"));
    }
    HRESULT STDMETHODCALLTYPE BackupComplete(IVssAsync **step) override {
        note("BackupComplete");
        return start("BackupComplete", step);
    }
    HRESULT STDMETHODCALLTYPE SetContext(LONG context) override {
        if (context & VSS_VOLSNAP_ATTR_TRANSPORTABLE && script.number("isClient", 0)) return VSS_E_UNSUPPORTED_CONTEXT;
        return call("SetContext");
    }
    HRESULT STDMETHODCALLTYPE StartSnapshotSet(VSS_ID *set) override {
        *set = instanceOf(0);
        return call("StartSnapshotSet");
    }
    HRESULT STDMETHODCALLTYPE AddToSnapshotSet(VSS_PWSZ volume, VSS_ID, VSS_ID *snapshot) override {
        *snapshot = instanceOf(0);
        lastVolume = volume;
        volumeCount++;
        return call("AddToSnapshotSet");
    }
    HRESULT STDMETHODCALLTYPE DoSnapshotSet(IVssAsync **step) override {
        HRESULT failed = call("DoSnapshotSet");
        if (FAILED(failed)) return failed;
        startThread(snapshotMain, step);
        return S_OK;
    }
    HRESULT STDMETHODCALLTYPE DisableWriterClasses(const VSS_ID *, UINT count) override {
        return call("DisableWriterClasses", std::to_string(count));
    }

    UNUSED(GetWriterComponentsCount, UINT *)
    UNUSED(GetWriterComponents, UINT, IVssWriterComponentsExt **)
    UNUSED(InitializeForRestore, BSTR)
    UNUSED(SetRestoreState, VSS_RESTORE_TYPE)
    UNUSED(SetBackupOptions, VSS_ID, VSS_COMPONENT_TYPE, LPCWSTR, LPCWSTR, LPCWSTR)
    UNUSED(SetSelectedForRestore, VSS_ID, VSS_COMPONENT_TYPE, LPCWSTR, LPCWSTR, boolean)
    UNUSED(SetRestoreOptions, VSS_ID, VSS_COMPONENT_TYPE, LPCWSTR, LPCWSTR, LPCWSTR)
    UNUSED(SetAdditionalRestores, VSS_ID, VSS_COMPONENT_TYPE, LPCWSTR, LPCWSTR, boolean)
    UNUSED(SetPreviousBackupStamp, VSS_ID, VSS_COMPONENT_TYPE, LPCWSTR, LPCWSTR, LPCWSTR)
    UNUSED(SaveAsXML, BSTR *)
    UNUSED(AddAlternativeLocationMapping, VSS_ID, VSS_COMPONENT_TYPE, LPCWSTR, LPCWSTR, LPCWSTR, LPCWSTR, boolean, LPCWSTR)
    UNUSED(AddRestoreSubcomponent, VSS_ID, VSS_COMPONENT_TYPE, LPCWSTR, LPCWSTR, LPCWSTR, LPCWSTR, boolean)
    UNUSED(SetFileRestoreStatus, VSS_ID, VSS_COMPONENT_TYPE, LPCWSTR, LPCWSTR, VSS_FILE_RESTORE_STATUS)
    UNUSED(AddNewTarget, VSS_ID, VSS_COMPONENT_TYPE, LPCWSTR, LPCWSTR, LPCWSTR, LPCWSTR, boolean, LPCWSTR)
    UNUSED(SetRangesFilePath, VSS_ID, VSS_COMPONENT_TYPE, LPCWSTR, LPCWSTR, UINT, LPCWSTR)
    UNUSED(PreRestore, IVssAsync **)
    UNUSED(PostRestore, IVssAsync **)
    UNUSED(DeleteSnapshots, VSS_ID, VSS_OBJECT_TYPE, WINBOOL, LONG *, VSS_ID *)
    UNUSED(ImportSnapshots, IVssAsync **)
    UNUSED(BreakSnapshotSet, VSS_ID)
    UNUSED(GetSnapshotProperties, VSS_ID, VSS_SNAPSHOT_PROP *)
    UNUSED(Query, VSS_ID, VSS_OBJECT_TYPE, VSS_OBJECT_TYPE, IVssEnumObject **)
    UNUSED(IsVolumeSupported, VSS_ID, VSS_PWSZ, WINBOOL *)
    UNUSED(EnableWriterClasses, const VSS_ID *, UINT)
    UNUSED(DisableWriterInstances, const VSS_ID *, UINT)
    UNUSED(ExposeSnapshot, VSS_ID, VSS_PWSZ, LONG, VSS_PWSZ, VSS_PWSZ *)
    UNUSED(RevertToSnapshot, VSS_ID, WINBOOL)
    UNUSED(QueryRevertStatus, VSS_PWSZ, IVssAsync **)

  private:
    HRESULT failure(const char *name) const { return static_cast<HRESULT>(script.number(std::string("fail.") + name, S_OK)); }

    HRESULT call(const char *name, const std::string &argument = "") {
        note(argument.empty() ? name : name + (" " + argument));
        return failure(name);
    }

    HRESULT start(const char *name, IVssAsync **step) {
        *step = nullptr;
        HRESULT failed = failure(name);
        if (FAILED(failed)) return failed;
        auto *made = new FakeAsync();
        made->finish(static_cast<HRESULT>(script.number(std::string("async.") + name, VSS_S_ASYNC_FINISHED)));
        *step = made;
        return S_OK;
    }

    /// Both threads keep this object and the step alive until they end.
    void startThread(LPTHREAD_START_ROUTINE main, IVssAsync **step) {
        running = new FakeAsync();
        running->AddRef();
        *step = running;
        AddRef();
        CloseHandle(CreateThread(nullptr, 0, main, this, 0, nullptr));
    }

    void finish(FakeAsync *step, HRESULT result) {
        step->finish(result);
        step->Release();
        Release();
    }

    static DWORD WINAPI prepareMain(void *self) {
        auto *backup = static_cast<FakeBackup *>(self);
        FakeAsync *step = backup->running;
        Sleep(backup->script.number("prepareMs", 0));
        backup->finish(step, static_cast<HRESULT>(backup->script.number("async.PrepareForBackup", VSS_S_ASYNC_FINISHED)));
        return 0;
    }

    static DWORD WINAPI snapshotMain(void *self) {
        auto *backup = static_cast<FakeBackup *>(self);
        FakeAsync *step = backup->running;
        CoInitializeEx(nullptr, COINIT_MULTITHREADED);
        HRESULT result = backup->snapshot();
        CoUninitialize();
        note("snapshot " + std::to_string(static_cast<unsigned long>(result)));
        backup->finish(step, SUCCEEDED(result) ? static_cast<HRESULT>(VSS_S_ASYNC_FINISHED) : result);
        return 0;
    }

    /// As the coordinator does it: writers freeze, the provider commits (and waits for the thaw), writers thaw.
    HRESULT snapshot() {
        Sleep(script.number("freezeMs", 100));
        HRESULT result = static_cast<HRESULT>(script.number("async.DoSnapshotSet", S_OK));
        if (FAILED(result)) return result;
        HMODULE library = LoadLibraryExW(L"C:\\qga\\qga-vss.dll", nullptr, LOAD_WITH_ALTERED_SEARCH_PATH);
        using GetClass = HRESULT(STDAPICALLTYPE *)(REFCLSID, REFIID, void **);
        auto getClass = library ? reinterpret_cast<GetClass>(reinterpret_cast<void *>(GetProcAddress(library, "DllGetClassObject"))) : nullptr;
        if (!getClass) return VSS_E_PROVIDER_NOT_REGISTERED;
        static const IID SOFTWARE = {0x609e123e, 0x2c5a, 0x44d3, {0x8f, 0x01, 0x0b, 0x1d, 0x9a, 0x47, 0xd1, 0xff}};
        static const IID CREATING = {0x5f894e5b, 0x1e39, 0x4778, {0x8e, 0x23, 0x9a, 0xba, 0xd9, 0xf0, 0xe0, 0x8c}};
        static const IID FACTORY = {1, 0, 0, {0xc0, 0, 0, 0, 0, 0, 0, 0x46}};
        Ref<IClassFactory> factory;
        Ref<IVssSoftwareSnapshotProvider> provider;
        Ref<IVssProviderCreateSnapshotSet> creating;
        if (FAILED(result = getClass(FACTORY, FACTORY, factory.out()))) return result;
        if (FAILED(result = factory->CreateInstance(nullptr, SOFTWARE, provider.out()))) return result;
        if (FAILED(result = provider->QueryInterface(CREATING, creating.out()))) return result;
        WINBOOL supported = FALSE;
        provider->IsVolumeSupported(const_cast<wchar_t *>(lastVolume.c_str()), &supported);
        if (!supported) return VSS_E_VOLUME_NOT_SUPPORTED_BY_PROVIDER;
        creating->EndPrepareSnapshots(GUID_NULL);
        creating->PreCommitSnapshots(GUID_NULL);
        frozen = true;
        ULONGLONG begun = GetTickCount64();
        result = creating->CommitSnapshots(GUID_NULL);
        if (SUCCEEDED(result) && GetTickCount64() - begun > script.number("holdMs", 10'000)) result = VSS_E_HOLD_WRITES_TIMEOUT;
        if (FAILED(result)) {
            creating->AbortSnapshots(GUID_NULL);
            return result;
        }
        creating->PostCommitSnapshots(GUID_NULL, volumeCount);
        creating->PreFinalCommitSnapshots(GUID_NULL);
        creating->PostFinalCommitSnapshots(GUID_NULL);
        return S_OK;
    }

    Script script;
    std::wstring lastVolume;
    LONG volumeCount = 0;
    bool prepared = false;
    bool volatile frozen = false;
    FakeAsync *running = nullptr;
};

extern "C" HRESULT WINAPI createFake(IVssBackupComponents **backup) {
    *backup = nullptr;
    auto failed = static_cast<HRESULT>(Script().number("fail.CreateVssBackupComponents", S_OK));
    if (SUCCEEDED(failed)) *backup = new FakeBackup();
    return failed;
}

extern "C" void WINAPI freeFake(VSS_SNAPSHOT_PROP *) {}
