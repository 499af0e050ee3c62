/// The jobs: joins vault, hypervisor and guest, and knows no command line and no server. The central types are
/// [BackupJob][io.stillpoint.engine.BackupJob], whose body is the list of its steps, and
/// [RestoreJob][io.stillpoint.engine.RestoreJob]. `docs/job.md` tells what each step promises and what a crash in it
/// leaves behind.
@NullMarked
package io.stillpoint.engine;

import org.jspecify.annotations.NullMarked;
