#include "volumes.h"

static std::wstring mountOf(const wchar_t *volume) {
    wchar_t paths[1024] = L"";
    DWORD length = 0;
    return GetVolumePathNamesForVolumeNameW(volume, paths, 1024, &length) ? paths : L"";
}

DWORD fixedVolumes(std::vector<Volume> &volumes) {
    wchar_t name[64];
    HANDLE search = FindFirstVolumeW(name, 64);
    if (search == INVALID_HANDLE_VALUE) return GetLastError();
    do {
        Volume volume{name, mountOf(name)};
        UINT type = GetDriveTypeW(name);
        // Wine tells the type by the mount alone.
        if (type == DRIVE_UNKNOWN && !volume.mount.empty()) type = GetDriveTypeW(volume.mount.c_str());
        if (type == DRIVE_FIXED) volumes.push_back(volume);
    } while (FindNextVolumeW(search, name, 64));
    DWORD error = GetLastError();
    FindVolumeClose(search);
    return error == ERROR_NO_MORE_FILES ? 0 : error;
}

/// The name of a volume as a device: by its letter, if it has one, as the documentation of FlushFileBuffers has it.
static std::wstring deviceOf(const Volume &volume) {
    if (volume.mount.size() == 3 && volume.mount[1] == L':') return L"\\\\.\\" + volume.mount.substr(0, 2);
    // Without the backslash at the end, which would name its root folder.
    return volume.name.substr(0, volume.name.find_last_not_of(L'\\') + 1);
}

DWORD flush(const Volume &volume) {
    DWORD flags;
    if (!GetVolumeInformationW(volume.name.c_str(), nullptr, 0, nullptr, nullptr, &flags, nullptr, 0) && GetLastError() == ERROR_UNRECOGNIZED_VOLUME)
        return 0;
    Handle device(CreateFileW(deviceOf(volume).c_str(), GENERIC_READ | GENERIC_WRITE, FILE_SHARE_READ | FILE_SHARE_WRITE, nullptr, OPEN_EXISTING, 0, nullptr));
    return device && FlushFileBuffers(device.get()) ? 0 : GetLastError();
}
