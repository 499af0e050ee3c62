// Which snapshot set is open, in which state, and who ends it (docs/extensions.md, "VMSnapshot at work").
#pragma once
#include "vss.h"

#include <string>

/// What a `freeze` asks for.
struct FreezeRequest {
    bool copy = false;
    std::string task;
    DWORD autoThawMillis = 9'000;
    DWORD prepareMillis = 180'000;
};

/// Runs one snapshot set after another, each on a thread of its own. Every method may be called from any thread and
/// answers the state as JSON, on one line without its end.
class Coordinator {
  public:
    Coordinator();

    /// Starts a set and answers at once; state `busy`, and nothing else, if one is open, ours or another's.
    std::string freeze(const FreezeRequest &request);
    std::string status();
    /// Ends the set and answers when it has ended, at the latest after two minutes.
    std::string thaw(bool succeeded);
    /// Flushes every fixed volume, without VSS.
    std::string flush();
    /// Ends the set, as the service ends. Returns when it has ended.
    void shutDown();

  private:
    enum class State { idle, preparing, held, thawing, thawed, failed };

    /// All that `status` shows.
    struct Report {
        std::string task;
        State state = State::idle;
        bool held = false;
        const char *thawedBy = "";
        bool copy = false;
        std::vector<std::string> volumes;
        ULONGLONG heldSince = 0;
        ULONGLONG heldMillis = 0;
        Step step;
        std::vector<Writer> writers;
    };

    /// Owns the provider's events; while they exist nobody else can open a set.
    struct Events {
        Handle frozen, thaw, timeout;
    };

    static DWORD WINAPI threadMain(void *self);
    static const char *nameOf(State state);
    bool openEvents();
    void run();
    Step hold(VssBackup &backup);
    Step awaitFrozen(VssBackup &backup, Patience patience);
    Step awaitRelease();
    Step release(VssBackup &backup);
    void end(VssBackup &backup, Step step);
    void setState(State state);
    std::string answer();

    Lock lock;
    Report report;
    FreezeRequest request;
    bool running = false;
    bool succeeded = false;
    Events events;
    /// Of a request to end the set; of the service's end; signalled while no set is open.
    Handle thawWanted, stopping, ended;
};
