// What must be there before the extension counts as installed: the Visual C++ 2013 runtime.
#pragma once
#include "package.h"

/// What became of one prerequisite.
struct PrerequisiteResult {
    std::string id;
    /// The version that is there now; empty: none.
    std::string version;
    /// `present`, `installed`, `absent`, or `failed`.
    std::string outcome;
    /// Why it is a warning or an error; `ok` otherwise.
    Outcome problem;
    bool isError = false;
};

/// The newest version of the Visual C++ 2013 runtime for x64 (12.0) that Windows knows; empty: none.
std::string runtimeVersion();

/// Installs what is missing, if its installer lies in the package. Waits for the installer most of the time that the
/// verb has; then ends it.
PrerequisiteResult ensure(const Places &places, const Manifest &manifest, const Prerequisite &needed);

/// Whether Windows waits for a restart to finish an installation.
bool isRebootPending();
