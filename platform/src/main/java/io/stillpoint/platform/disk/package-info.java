/// Files and folders of a local file system, as whoever must not lose them sees them: [Disk][io.stillpoint.platform.disk.Disk]
/// says what lasts and what does not. Passed in, so that tests can have a disk that lies.
@NullMarked
package io.stillpoint.platform.disk;

import org.jspecify.annotations.NullMarked;
