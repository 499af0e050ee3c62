package io.stillpoint.platform.natives;

import java.time.Instant;

/// What is known of a file, folder or anything else that has a name, links not followed.
///
/// @param device which file system it lies in
/// @param inode which file of it this is: equal for all its names
/// @param mode its permissions, the lower twelve bits of `st_mode` (inode(7))
/// @param owner, group by number
/// @param names how many hard links lead to it
/// @param size in bytes
public record FileStatus(
        FileType type,
        long device,
        long inode,
        int mode,
        int owner,
        int group,
        int names,
        long size,
        Instant modifiedAt) {
    /// Whether both are the same file, perhaps under two names.
    public boolean isSame(FileStatus other) {
        return device == other.device && inode == other.inode;
    }
}
