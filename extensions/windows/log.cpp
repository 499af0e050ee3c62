#include "log.h"

#include "package.h"

static constexpr LONGLONG BYTES_MAX = 1 << 20;
static constexpr size_t KEPT_BYTES_MAX = 64 << 10;

static Lock lock;
static bool held;
static std::string kept;

static void append(std::string_view lines) {
    Places places = Places::ofThisProgram();
    std::wstring path = places.root + L"\\VMSnapshot.log";
    WIN32_FILE_ATTRIBUTE_DATA found;
    if (GetFileAttributesExW(path.c_str(), GetFileExInfoStandard, &found) &&
        (static_cast<LONGLONG>(found.nFileSizeHigh) << 32 | found.nFileSizeLow) + static_cast<LONGLONG>(lines.size()) > BYTES_MAX)
        MoveFileExW(path.c_str(), (places.root + L"\\VMSnapshot.1.log").c_str(), MOVEFILE_REPLACE_EXISTING);
    Handle file(CreateFileW(path.c_str(), FILE_APPEND_DATA, FILE_SHARE_READ | FILE_SHARE_WRITE, nullptr, OPEN_ALWAYS, 0, nullptr));
    DWORD written;
    if (file) WriteFile(file.get(), lines.data(), static_cast<DWORD>(lines.size()), &written, nullptr);
}

void logfile::write(const std::string &line) {
    SYSTEMTIME now;
    GetSystemTime(&now);
    char time[40];
    snprintf(time, sizeof time, "%04u-%02u-%02uT%02u:%02u:%02u.%03uZ ", now.wYear, now.wMonth, now.wDay, now.wHour, now.wMinute, now.wSecond,
             now.wMilliseconds);
    std::string whole = time + line + "\r\n";
    Lock::Held here(lock);
    if (!held) {
        append(whole);
    } else if (kept.size() + whole.size() <= KEPT_BYTES_MAX) {
        kept += whole;
    }
}

void logfile::hold() {
    Lock::Held here(lock);
    held = true;
}

void logfile::release() {
    Lock::Held here(lock);
    held = false;
    if (!kept.empty()) append(kept);
    kept.clear();
}
