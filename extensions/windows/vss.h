// One backup as VSS sees it: a requester (IVssBackupComponents) that takes its snapshot set with the provider of qemu-ga.
#pragma once
#include "text.h"

#include <vector>

// An annotation that these headers want, and a name that the standard library uses.
#define __in
#include <vss.h>
#include <vswriter.h>

#include <vsbackup.h>
#undef __in

/// Which call went wrong and how; no call: all went well.
struct Step {
    const char *stage = "";
    HRESULT result = S_OK;

    bool failed() const { return *stage != 0; }
};

/// How long something may take, and what ends it early.
struct Patience {
    /// Of GetTickCount64.
    ULONGLONG until;
    /// Signalled: give up. May be null.
    HANDLE cancelled;

    static Patience millis(ULONGLONG duration, HANDLE cancelled = nullptr) { return {GetTickCount64() + duration, cancelled}; }
    ULONGLONG left() const;
};

/// A writer as VSS last reported it.
struct Writer {
    VSS_ID id;
    VSS_ID instance;
    std::string name;
    VSS_WRITER_STATE state;
    HRESULT failure;
    /// Whether the backup has components of it. Of others a failure is told, and harms nothing.
    bool selected;

    bool hasFailed() const;
};

/// Its methods go in the order in which they stand here. COM must be initialised on the thread.
class VssBackup {
  public:
    VssBackup() = default;
    VssBackup(const VssBackup &) = delete;
    VssBackup &operator=(const VssBackup &) = delete;

    /// Asks the writers to prepare. Nothing is held yet.
    Step prepare(VSS_BACKUP_TYPE type, Patience patience);
    /// Starts to freeze. The provider then sets its event `frozen` and holds writes until its event `thaw` is set.
    Step startSnapshot();
    /// Whether the snapshot has ended; then `finishSnapshot` tells how.
    bool hasSnapshotEnded();
    /// Waits for the end of the snapshot, after the thaw.
    Step finishSnapshot(Patience patience);
    /// Fails if a selected writer has.
    Step askWriters(Patience patience);
    /// Tells the writers that their components are backed up.
    Step complete(Patience patience);
    /// Tells the writers that there is no backup. Harmless where there is nothing to abort.
    void abort();

    const std::vector<Writer> &writers() const { return found; }
    const std::vector<std::string> &volumes() const { return names; }

  private:
    struct Component {
        VSS_ID instance;
        VSS_ID writer;
        VSS_COMPONENT_TYPE type;
        std::wstring path;
        std::wstring name;
    };

    Step begin(VSS_BACKUP_TYPE type);
    Step selectComponents();
    Step selectOf(IVssExamineWriterMetadata *metadata);
    Step addVolumes();
    Step readWriters();

    Com<IVssBackupComponents> backup;
    Com<IVssAsync> snapshot;
    std::vector<Component> components;
    std::vector<Writer> found;
    std::vector<std::string> names;
};

/// Whether VSS can be reached at all: makes a requester and drops it.
HRESULT tryVss();
