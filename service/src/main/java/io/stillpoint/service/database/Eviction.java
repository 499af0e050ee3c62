package io.stillpoint.service.database;

import com.zaxxer.hikari.SQLExceptionOverride;
import java.sql.SQLException;

/// Never uses a connection to SQLite again on which something failed: after a lock that lasts too long (SQLITE_BUSY) the
/// driver takes a transaction for begun that is not, and every commit fails from then on. A new one costs a millisecond.
public final class Eviction implements SQLExceptionOverride {
    @java.lang.Override
    public Override adjudicate(SQLException e) {
        return Override.MUST_EVICT;
    }
}
