package io.stillpoint.platform.natives;

/// What a name in a folder leads to, links not followed.
public enum FileType {
    FILE(0x8000),
    FOLDER(0x4000),
    LINK(0xA000),
    PIPE(0x1000),
    SOCKET(0xC000),
    BLOCK_DEVICE(0x6000),
    CHARACTER_DEVICE(0x2000);

    private static final int MASK = 0xF000;

    private final int bits;

    FileType(int bits) {
        this.bits = bits;
    }

    /// @param mode `st_mode`, inode(7)
    static FileType of(int mode) {
        for (FileType type : values()) {
            if (type.bits == (mode & MASK)) {
                return type;
            }
        }
        throw new IllegalArgumentException("a file of mode " + Integer.toOctalString(mode));
    }
}
