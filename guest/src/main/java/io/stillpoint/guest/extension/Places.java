package io.stillpoint.guest.extension;

/// Where extensions lie in guests; another place is for tests.
///
/// @param linux the folder for the types' folders
/// @param windows what their folders' paths begin with
record Places(String linux, String windows) {
    static final Places DEFAULT =
            new Places("/var/lib/stillpoint/", "C:\\Packages\\Plugins\\Stillpoint.");

    GuestFolder folder(ExtensionType type) {
        return switch (type.os()) {
            case WINDOWS -> new WindowsFolder(windows + type.id());
            case LINUX, OTHER -> new LinuxFolder(linux + type.id());
        };
    }
}
