// Stands in for the installer of the Visual C++ 2013 runtime. What C:\installer-script.txt says: `exit=N` is its exit code,
// `version=V` makes it register that version as the real one does, `sleepMs=N` makes it slow. Its command line goes to
// C:\installer-calls.txt.
#define WIN32_LEAN_AND_MEAN
#include <windows.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

static void registerRuntime(const char *version) {
    HKEY key;
    DWORD one = 1;
    if (RegCreateKeyExA(HKEY_LOCAL_MACHINE, "SOFTWARE\\Microsoft\\VisualStudio\\12.0\\VC\\Runtimes\\x64", 0, nullptr, 0, KEY_WRITE | KEY_WOW64_64KEY, nullptr,
                        &key, nullptr))
        exit(99);
    RegSetValueExA(key, "Installed", 0, REG_DWORD, reinterpret_cast<BYTE *>(&one), sizeof one);
    RegSetValueExA(key, "Version", 0, REG_SZ, reinterpret_cast<const BYTE *>(version), static_cast<DWORD>(strlen(version) + 1));
    RegCloseKey(key);
}

int main() {
    if (FILE *calls = fopen("C:\\installer-calls.txt", "ab")) {
        fprintf(calls, "%s\n", GetCommandLineA());
        fclose(calls);
    }
    int code = 0;
    char line[200];
    FILE *script = fopen("C:\\installer-script.txt", "rb");
    while (script && fgets(line, sizeof line, script)) {
        line[strcspn(line, "\r\n")] = 0;
        if (!strncmp(line, "exit=", 5)) code = atoi(line + 5);
        if (!strncmp(line, "version=", 8)) registerRuntime(line + 8);
        if (!strncmp(line, "sleepMs=", 8)) Sleep(atoi(line + 8));
    }
    if (script) fclose(script);
    return code;
}
