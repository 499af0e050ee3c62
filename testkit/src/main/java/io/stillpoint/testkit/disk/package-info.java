/// A disk that lies on purpose: [FaultyDisk][io.stillpoint.testkit.disk.FaultyDisk] loses power, loses and tears what was not synced,
/// and fails calls, all repeatable from a seed. Modelled on the test file systems of SQLite ("How SQLite Is Tested", sections 3.2
/// and 3.3) and TigerBeetle.
@NullMarked
package io.stillpoint.testkit.disk;

import org.jspecify.annotations.NullMarked;
