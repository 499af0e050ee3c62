// How a verb ends: docs/extensions.md lists the codes.
#pragma once
#include "win32.h"

#include <string>

enum class Code {
    ok,
    defect,
    usage,
    notRoot,
    readOnly,
    noSpace,
    busy,
    prerequisiteMissing,
    prerequisiteWrongHash,
    prerequisiteFailed,
    unsupported,
    rebootNeeded,
    broken,
    notInstalled,
    failed,
};

const char *name(Code code);
int exitCode(Code code);

struct Outcome {
    Code code = Code::ok;
    /// One sentence for a person; empty if all is well.
    std::string message;
    /// What the system said.
    std::string detail;
    /// Its error, or a program's exit code; 0 if there is none.
    DWORD number = 0;

    bool ok() const { return code == Code::ok; }
};

/// What a call of Windows that failed means. @param doing completes "can't ..."
Outcome systemFailure(const std::string &doing, DWORD error = GetLastError());
