#include "files.h"

#include "text.h"

#include <aclapi.h>
#include <bcrypt.h>
#include <sddl.h>

std::wstring folderOfThisProgram() {
    std::wstring path(MAX_PATH, L'\0');
    while (true) {
        DWORD length = GetModuleFileNameW(nullptr, path.data(), static_cast<DWORD>(path.size()));
        if (length < path.size()) {
            path.resize(length);
            return parentOf(path);
        }
        path.resize(path.size() * 2);
    }
}

std::wstring parentOf(const std::wstring &path) {
    size_t end = path.rfind(L'\\');
    return end == std::wstring::npos ? L"" : path.substr(0, end);
}

std::wstring nameOf(const std::wstring &path) {
    return path.substr(path.rfind(L'\\') + 1);
}

bool exists(const std::wstring &path) {
    return GetFileAttributesW(path.c_str()) != INVALID_FILE_ATTRIBUTES;
}

Outcome readFile(const std::wstring &path, size_t bytesMax, std::string &content) {
    Handle file(CreateFileW(path.c_str(), GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_DELETE, nullptr, OPEN_EXISTING, 0, nullptr));
    if (!file) return systemFailure("open " + utf8(path));
    LARGE_INTEGER size;
    if (!GetFileSizeEx(file.get(), &size)) return systemFailure("read " + utf8(path));
    if (static_cast<ULONGLONG>(size.QuadPart) > bytesMax) return systemFailure("read " + utf8(path), ERROR_FILE_TOO_LARGE);
    content.resize(static_cast<size_t>(size.QuadPart));
    DWORD read;
    if (!ReadFile(file.get(), content.data(), static_cast<DWORD>(content.size()), &read, nullptr)) return systemFailure("read " + utf8(path));
    content.resize(read);
    return {};
}

Outcome replaceFile(const std::wstring &path, std::string_view content) {
    std::wstring fresh = path + L".new";
    Handle file(CreateFileW(fresh.c_str(), GENERIC_WRITE, 0, nullptr, CREATE_ALWAYS, 0, nullptr));
    if (!file) return systemFailure("make " + utf8(fresh));
    DWORD written;
    if (!WriteFile(file.get(), content.data(), static_cast<DWORD>(content.size()), &written, nullptr) || written != content.size() ||
        !FlushFileBuffers(file.get()))
        return systemFailure("write " + utf8(fresh));
    file.close();
    if (!MoveFileExW(fresh.c_str(), path.c_str(), MOVEFILE_REPLACE_EXISTING | MOVEFILE_WRITE_THROUGH)) return systemFailure("replace " + utf8(path));
    return {};
}

static bool isKept(const std::wstring &path, const std::vector<std::wstring> &kept) {
    for (const std::wstring &each : kept) {
        if (sameIgnoringCase(each, path)) return true;
        if (each.size() > path.size() && each[path.size()] == L'\\' && sameIgnoringCase(each.substr(0, path.size()), path)) return true;
    }
    return false;
}

static Outcome removeContent(const std::wstring &folder, const std::vector<std::wstring> &kept) {
    WIN32_FIND_DATAW found;
    HANDLE search = FindFirstFileW((folder + L"\\*").c_str(), &found);
    if (search == INVALID_HANDLE_VALUE) return {};
    Outcome outcome;
    do {
        std::wstring name = found.cFileName;
        if (name == L"." || name == L"..") continue;
        std::wstring path = folder + L"\\" + name;
        bool link = found.dwFileAttributes & FILE_ATTRIBUTE_REPARSE_POINT;
        if (found.dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY) {
            // Never follows a link to a folder: what is behind it is not ours.
            outcome = link && !isKept(path, kept) ? RemoveDirectoryW(path.c_str()) ? Outcome{} : systemFailure("remove " + utf8(path))
                                                  : removeFolder(path, kept);
        } else if (!isKept(path, kept)) {
            SetFileAttributesW(path.c_str(), FILE_ATTRIBUTE_NORMAL);
            if (!DeleteFileW(path.c_str()) && GetLastError() != ERROR_FILE_NOT_FOUND) outcome = systemFailure("remove " + utf8(path));
        }
    } while (outcome.ok() && FindNextFileW(search, &found));
    FindClose(search);
    return outcome;
}

Outcome removeFolder(const std::wstring &folder, const std::vector<std::wstring> &kept) {
    Outcome outcome = removeContent(folder, kept);
    if (!outcome.ok() || isKept(folder, kept)) return outcome;
    if (!RemoveDirectoryW(folder.c_str())) {
        DWORD error = GetLastError();
        if (error != ERROR_FILE_NOT_FOUND && error != ERROR_PATH_NOT_FOUND) return systemFailure("remove " + utf8(folder), error);
    }
    return {};
}

Outcome openUnchanging(const std::wstring &path, Handle &file) {
    file = Handle(CreateFileW(path.c_str(), GENERIC_READ, FILE_SHARE_READ, nullptr, OPEN_EXISTING, 0, nullptr));
    return file ? Outcome{} : systemFailure("open " + utf8(path));
}

/// The entries of CNG, Windows' own cryptography. Its library is not among those that Windows always takes from its own
/// folder, so it is loaded from there by hand: one beside our executable must not be loaded before `main` can forbid it.
struct Cng {
    decltype(&BCryptOpenAlgorithmProvider) open = nullptr;
    decltype(&BCryptCloseAlgorithmProvider) close = nullptr;
    decltype(&BCryptCreateHash) create = nullptr;
    decltype(&BCryptHashData) add = nullptr;
    decltype(&BCryptFinishHash) finish = nullptr;
    decltype(&BCryptDestroyHash) destroy = nullptr;

    Cng() {
        HMODULE library = LoadLibraryExW(L"bcrypt.dll", nullptr, LOAD_LIBRARY_SEARCH_SYSTEM32);
        if (!library) return;
        find(library, "BCryptOpenAlgorithmProvider", open);
        find(library, "BCryptCloseAlgorithmProvider", close);
        find(library, "BCryptCreateHash", create);
        find(library, "BCryptHashData", add);
        find(library, "BCryptFinishHash", finish);
        find(library, "BCryptDestroyHash", destroy);
    }
    explicit operator bool() const { return open && close && create && add && finish && destroy; }

  private:
    template <class Entry> static void find(HMODULE library, const char *name, Entry &entry) {
        entry = reinterpret_cast<Entry>(reinterpret_cast<void *>(GetProcAddress(library, name)));
    }
};

class Sha256 {
  public:
    Sha256() {
        if (!cng || cng.open(&algorithm, BCRYPT_SHA256_ALGORITHM, nullptr, 0) < 0) return;
        if (cng.create(algorithm, &hash, nullptr, 0, nullptr, 0, 0) < 0) hash = nullptr;
    }
    Sha256(const Sha256 &) = delete;
    Sha256 &operator=(const Sha256 &) = delete;
    ~Sha256() {
        if (hash) cng.destroy(hash);
        if (algorithm) cng.close(algorithm, 0);
    }

    bool add(unsigned char *bytes, DWORD length) { return hash && cng.add(hash, bytes, length, 0) >= 0; }

    bool finish(std::string &digest) {
        unsigned char bytes[32];
        if (!hash || cng.finish(hash, bytes, sizeof bytes, 0) < 0) return false;
        digest.clear();
        for (unsigned char each : bytes) {
            digest += "0123456789abcdef"[each >> 4];
            digest += "0123456789abcdef"[each & 15];
        }
        return true;
    }

  private:
    Cng cng;
    BCRYPT_ALG_HANDLE algorithm = nullptr;
    BCRYPT_HASH_HANDLE hash = nullptr;
};

Outcome sha256(HANDLE file, std::string &digest) {
    Sha256 hash;
    if (!SetFilePointerEx(file, {}, nullptr, FILE_BEGIN)) return systemFailure("read a file");
    std::vector<unsigned char> buffer(1 << 16);
    DWORD read;
    while (true) {
        if (!ReadFile(file, buffer.data(), static_cast<DWORD>(buffer.size()), &read, nullptr)) return systemFailure("read a file");
        if (read == 0) break;
        if (!hash.add(buffer.data(), read)) return {Code::failed, "can't compute SHA-256", "BCryptHashData", 0};
    }
    return hash.finish(digest) ? Outcome{} : Outcome{Code::failed, "can't compute SHA-256", "BCryptFinishHash", 0};
}

Outcome protectFolder(const std::wstring &folder) {
    PSECURITY_DESCRIPTOR descriptor;
    if (!ConvertStringSecurityDescriptorToSecurityDescriptorW(L"D:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)", SDDL_REVISION_1, &descriptor, nullptr))
        return systemFailure("make an access list");
    BOOL present, defaulted;
    PACL list;
    GetSecurityDescriptorDacl(descriptor, &present, &list, &defaulted);
    DWORD error = SetNamedSecurityInfoW(const_cast<wchar_t *>(folder.c_str()), SE_FILE_OBJECT,
                                        DACL_SECURITY_INFORMATION | PROTECTED_DACL_SECURITY_INFORMATION, nullptr, nullptr, list, nullptr);
    LocalFree(descriptor);
    return error == ERROR_SUCCESS ? Outcome{} : systemFailure("protect " + utf8(folder), error);
}

/// Whoever runs this is SYSTEM or an administrator: what belongs to him is as safe as he is.
static bool isCaller(PSID sid) {
    HANDLE raw;
    if (!OpenProcessToken(GetCurrentProcess(), TOKEN_QUERY, &raw)) return false;
    Handle token(raw);
    alignas(void *) BYTE user[sizeof(TOKEN_USER) + SECURITY_MAX_SID_SIZE];
    DWORD length;
    return GetTokenInformation(token.get(), TokenUser, user, sizeof user, &length) && EqualSid(reinterpret_cast<TOKEN_USER *>(user)->User.Sid, sid);
}

static bool isTrusted(PSID sid) {
    wchar_t *raw;
    if (!ConvertSidToStringSidW(sid, &raw)) return false;
    std::wstring text = raw;
    LocalFree(raw);
    // SYSTEM, administrators, and Windows' own installer.
    return text == L"S-1-5-18" || text == L"S-1-5-32-544" ||
           text == L"S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464" || isCaller(sid);
}

/// Whether the list lets somebody change what is in the folder, or the list itself.
static bool letsOthersChange(PACL list) {
    constexpr DWORD change = FILE_ADD_FILE | FILE_ADD_SUBDIRECTORY | FILE_DELETE_CHILD | DELETE | WRITE_DAC | WRITE_OWNER | GENERIC_ALL | GENERIC_WRITE;
    if (!list) return true;
    for (DWORD i = 0; i < list->AceCount; i++) {
        void *entry;
        if (!GetAce(list, i, &entry)) return true;
        auto *header = static_cast<ACE_HEADER *>(entry);
        if (header->AceFlags & INHERIT_ONLY_ACE) continue;
        if (header->AceType == ACCESS_DENIED_ACE_TYPE) continue;
        // Of other kinds of entries we know too little.
        if (header->AceType != ACCESS_ALLOWED_ACE_TYPE) return true;
        auto *allowed = static_cast<ACCESS_ALLOWED_ACE *>(entry);
        if ((allowed->Mask & change) && !isTrusted(&allowed->SidStart)) return true;
    }
    return false;
}

static Outcome requireOwnFolder(const std::wstring &folder) {
    // Of what stands there itself, wherever it leads.
    Handle handle(CreateFileW(folder.c_str(), READ_CONTROL | FILE_READ_ATTRIBUTES, FILE_SHARE_READ | FILE_SHARE_WRITE, nullptr, OPEN_EXISTING,
                              FILE_FLAG_BACKUP_SEMANTICS | FILE_FLAG_OPEN_REPARSE_POINT, nullptr));
    BY_HANDLE_FILE_INFORMATION found;
    if (!handle || !GetFileInformationByHandle(handle.get(), &found)) return systemFailure("open " + utf8(folder));
    if (!(found.dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY) || (found.dwFileAttributes & FILE_ATTRIBUTE_REPARSE_POINT))
        return {Code::broken, "a folder of the extension is a link, or no folder: remove it", utf8(folder), 0};
    PSID owner;
    PACL list;
    PSECURITY_DESCRIPTOR descriptor;
    DWORD error = GetSecurityInfo(handle.get(), SE_FILE_OBJECT, OWNER_SECURITY_INFORMATION | DACL_SECURITY_INFORMATION, &owner, nullptr, &list, nullptr,
                                  &descriptor);
    if (error != ERROR_SUCCESS) return systemFailure("read who may use " + utf8(folder), error);
    bool ours = isTrusted(owner);
    bool open = letsOthersChange(list);
    LocalFree(descriptor);
    if (!ours) return {Code::broken, "a folder of the extension belongs to another user: remove it", utf8(folder), 0};
    if (open) return {Code::broken, "others may write to a folder of the extension: remove it", utf8(folder), 0};
    return {};
}

Outcome requireOwnFolders(const std::wstring &folder) {
    size_t drive = folder.find(L'\\');
    if (drive == std::wstring::npos) return {Code::broken, "the extension lies in no folder of a drive", utf8(folder), 0};
    for (size_t end = folder.find(L'\\', drive + 1);; end = folder.find(L'\\', end + 1)) {
        Outcome outcome = requireOwnFolder(folder.substr(0, end));
        if (!outcome.ok() || end == std::wstring::npos) return outcome;
    }
}
