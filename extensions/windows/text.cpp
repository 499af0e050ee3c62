#include "text.h"

#include <cstdio>
#include <objbase.h>

std::string utf8(std::wstring_view text) {
    int length = static_cast<int>(text.size());
    std::string result(WideCharToMultiByte(CP_UTF8, 0, text.data(), length, nullptr, 0, nullptr, nullptr), '\0');
    WideCharToMultiByte(CP_UTF8, 0, text.data(), length, result.data(), static_cast<int>(result.size()), nullptr, nullptr);
    return result;
}

std::wstring wide(std::string_view text) {
    int length = static_cast<int>(text.size());
    std::wstring result(MultiByteToWideChar(CP_UTF8, 0, text.data(), length, nullptr, 0), L'\0');
    MultiByteToWideChar(CP_UTF8, 0, text.data(), length, result.data(), static_cast<int>(result.size()));
    return result;
}

std::string hex(uint32_t number) {
    char digits[11];
    snprintf(digits, sizeof digits, "0x%08lX", static_cast<unsigned long>(number));
    return digits;
}

std::string text(const GUID &id) {
    wchar_t form[40];
    int length = StringFromGUID2(id, form, 40);
    return utf8({form, static_cast<size_t>(length > 0 ? length - 1 : 0)});
}

std::string systemText(DWORD error) {
    wchar_t words[512];
    DWORD length = FormatMessageW(FORMAT_MESSAGE_FROM_SYSTEM | FORMAT_MESSAGE_IGNORE_INSERTS, nullptr, error, 0, words, 512, nullptr);
    while (length > 0 && words[length - 1] <= L' ') length--;
    return length ? utf8({words, length}) : "error " + std::to_string(error);
}

bool sameIgnoringCase(std::wstring_view a, std::wstring_view b) {
    return CompareStringOrdinal(a.data(), static_cast<int>(a.size()), b.data(), static_cast<int>(b.size()), TRUE) == CSTR_EQUAL;
}
