package io.stillpoint.guest;

/// The guest's operating system (`guest-get-osinfo`). Fields that the agent does not tell are empty.
///
/// @param id such as `debian` or `mswindows`
/// @param prettyName such as `Debian GNU/Linux 12 (bookworm)`
public record OsInfo(
        String id, String prettyName, String versionId, String kernel, String machine) {
    /// Whether this is Windows, where freezing goes through VSS.
    public boolean isWindows() {
        return id.equals("mswindows");
    }
}
