// Text: UTF-8 inside and in JSON, UTF-16 towards Windows.
#pragma once
#include "win32.h"

#include <cstdint>
#include <string>
#include <string_view>

/// What is no valid UTF-16 becomes U+FFFD.
std::string utf8(std::wstring_view text);
/// What is no valid UTF-8 becomes U+FFFD.
std::wstring wide(std::string_view text);
/// `0x8004230C`.
std::string hex(uint32_t number);
/// `{E8132975-6F93-4464-A53E-1050253AE220}`, in capitals.
std::string text(const GUID &id);
/// What Windows says about an error, in its language, without the end of line.
std::string systemText(DWORD error);
bool sameIgnoringCase(std::wstring_view a, std::wstring_view b);
