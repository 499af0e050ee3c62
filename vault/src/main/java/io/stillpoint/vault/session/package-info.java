/// Making recovery points: [BackupSession][io.stillpoint.vault.session.BackupSession], which stores disks, and the record in the store by
/// which prune knows of it.
@NullMarked
package io.stillpoint.vault.session;

import org.jspecify.annotations.NullMarked;
