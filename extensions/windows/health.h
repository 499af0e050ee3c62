// What is there and whether it works.
#pragma once
#include "json.h"
#include "package.h"

/// Adds `state` (empty if this version is not installed), `installed`, `healthy`, `backupType` and `checks`; changes nothing. `not-installed` if this version is
/// not the one that counts, `broken` if its files are not whole.
Outcome health(const Places &places, JsonWriter &json);

/// Whether the service of our name runs a program of ours.
bool isOurs(const Places &places, const std::wstring &command);
