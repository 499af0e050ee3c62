// Files of the extension: read whole, replaced whole, removed with their folder.
#pragma once
#include "outcome.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// The folder of this executable, without a backslash at its end.
std::wstring folderOfThisProgram();
/// `C:\a` of `C:\a\b`.
std::wstring parentOf(const std::wstring &path);
/// `b` of `C:\a\b`.
std::wstring nameOf(const std::wstring &path);
bool exists(const std::wstring &path);

/// A file's bytes. ERROR_FILE_TOO_LARGE if it has more than that.
Outcome readFile(const std::wstring &path, size_t bytesMax, std::string &content);
/// Replaces a file. It is on disk when this returns; after a crash it has the old content or the new.
Outcome replaceFile(const std::wstring &path, std::string_view content);
/// Removes a folder and all it has, but what is listed in `kept` and the folders above those. What is not there is no
/// error.
Outcome removeFolder(const std::wstring &folder, const std::vector<std::wstring> &kept = {});

/// SHA-256 of an open file, from its start, in 64 small hexadecimal digits.
Outcome sha256(HANDLE file, std::string &digest);
/// Opens a file so that nobody writes or renames it before the handle is closed; the handle reads.
Outcome openUnchanging(const std::wstring &path, Handle &file);

/// Looks at every folder on the way to this one, and at it: each must be a folder itself and no link to one, belong to SYSTEM
/// or an administrator, and let nobody else put, replace or remove anything in it. `broken` names the first that does not.
/// The root of the drive is passed over: users may make folders there, but not touch those of others.
Outcome requireOwnFolders(const std::wstring &folder);

/// Lets SYSTEM and administrators alone use a folder and what is below. Below C:\ any user may change files by default,
/// and here lie those that SYSTEM runs.
Outcome protectFolder(const std::wstring &folder);
