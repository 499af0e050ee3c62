/// All that the service must not forget, and all of its SQL: one schema, on SQLite (write-ahead log, synchronous=FULL: what
/// is committed survives a power cut) and on PostgreSQL.
@NullMarked
package io.stillpoint.service.database;

import org.jspecify.annotations.NullMarked;
