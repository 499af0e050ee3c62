// The volumes of this machine.
#pragma once
#include "win32.h"

#include <string>
#include <vector>

struct Volume {
    /// `\\?\Volume{…}\`.
    std::wstring name;
    /// Where it is mounted first; empty: nowhere.
    std::wstring mount;
};

/// Those on disks that can't be taken out. Returns 0, or the error of Windows.
DWORD fixedVolumes(std::vector<Volume> &volumes);
/// Returns 0, or the error of Windows. A volume without a file system has nothing to flush.
DWORD flush(const Volume &volume);
