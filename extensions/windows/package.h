// The package beside the executable, and the state that outlives its versions (docs/extensions.md, "Package").
#pragma once
#include "json.h"
#include "outcome.h"

#include <string>
#include <vector>

/// Where this executable lies: ROOT\VERSION\IaaSVmProvider.exe.
struct Places {
    std::wstring package;
    std::wstring root;
    std::wstring program;

    static Places ofThisProgram();
    std::wstring state() const { return root + L"\\state.json"; }
    std::wstring verbLock() const { return root + L"\\verb.lock"; }
};

/// `major.minor.patch`, compared number by number.
struct Version {
    int64_t parts[3] = {0, 0, 0};

    /// False if it is no such version.
    static bool parse(const std::string &text, Version &version);
    auto operator<=>(const Version &) const = default;
};

struct PackageFile {
    std::wstring path;
    int64_t bytes;
    std::string sha256;
};

struct Prerequisite {
    std::string id;
    std::string version;
    /// Its installer; empty: the operator has supplied none.
    std::wstring file;
    std::string sha256;
    std::vector<std::wstring> arguments;
    std::vector<int64_t> okExitCodes;
    bool required;
};

struct Manifest {
    std::vector<PackageFile> files;
    std::vector<Prerequisite> prerequisites;
    /// How long the verb `install` may take.
    int64_t installSeconds;

    /// `broken` if it is not as it must be, or of another version than this executable.
    static Outcome read(const Places &places, Manifest &manifest);
    bool isOfPrerequisite(const PackageFile &file) const;
};

/// Hashes the files of the package; `broken` names the first that is not as in the manifest.
/// @param prerequisitesToo false: installers that the operator supplies are judged when they are needed
Outcome verify(const Places &places, const Manifest &manifest, bool prerequisitesToo);

/// What is remembered in ROOT\state.json. Every change is on disk before it is made in Windows.
struct State {
    /// The version that counts; empty: none.
    std::string installed;
    bool disabled = false;
    /// Whether `vssStart` and `runtime` are set.
    bool saved = false;
    /// The start type of the service VSS as we found it; 0: not known, so it is never put back.
    int64_t vssStart = 0;
    /// The version of the Visual C++ 2013 runtime that was there; empty: none.
    std::string runtime;

    /// A file that is not there is an empty state. `broken` if it is not readable as JSON.
    static Outcome read(const Places &places, State &state);
    Outcome write(const Places &places) const;
};
