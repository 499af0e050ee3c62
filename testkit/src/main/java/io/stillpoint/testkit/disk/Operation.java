package io.stillpoint.testkit.disk;

import java.util.Collections;
import java.util.EnumSet;
import java.util.Set;

/// The kinds of calls that a [FaultyDisk] counts and can fail.
public enum Operation {
    /// Of a path or an open file.
    ATTRIBUTES,
    LIST,
    CREATE_FOLDER,
    /// Of a file, with a given name or a unique one.
    CREATE,
    OPEN,
    LINK,
    RENAME,
    DELETE,
    LOCK,
    READ,
    WRITE,
    FORCE,
    SYNC_FOLDER;

    /// After which something lasts.
    public static final Set<Operation> SYNCS =
            Collections.unmodifiableSet(EnumSet.of(FORCE, SYNC_FOLDER));

    /// After which something is different, at least for whoever loses power.
    public static final Set<Operation> CHANGES =
            Collections.unmodifiableSet(
                    EnumSet.of(
                            CREATE_FOLDER,
                            CREATE,
                            LINK,
                            RENAME,
                            DELETE,
                            WRITE,
                            FORCE,
                            SYNC_FOLDER));

    /// Which a disk without room may fail.
    public static final Set<Operation> ROOM_TAKING =
            Collections.unmodifiableSet(EnumSet.of(CREATE_FOLDER, CREATE, LINK, RENAME, WRITE));
}
