/// Histories of whole backup jobs: a fake hypervisor whose guests write on, fake guests with agents, and a vault on a disk
/// that lies. Processes end, calls fail and hosts lose power wherever a seed says; another process goes on with the journal,
/// or begins anew. What must hold is told by [JobHistory][io.stillpoint.simulation.job.JobHistory].
@NullMarked
package io.stillpoint.simulation.job;

import org.jspecify.annotations.NullMarked;
