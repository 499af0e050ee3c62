#include "service.h"
#include "verbs.h"
#include "win32.h"

/// Without arguments the service control manager has started us, else the agent.
int wmain(int count, wchar_t **words) {
    // Libraries come from Windows alone, never from the folder we lie in or the current one.
    SetDefaultDllDirectories(LOAD_LIBRARY_SEARCH_SYSTEM32);
    std::vector<std::wstring> arguments(words + 1, words + count);
    if (arguments.empty() && runService() == 0) return 0;
    return runVerb(arguments);
}
