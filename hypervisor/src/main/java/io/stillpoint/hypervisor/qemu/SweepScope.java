package io.stillpoint.hypervisor.qemu;

import io.stillpoint.hypervisor.KeptSnapshots;
import java.util.Set;

/// Whose things a sweep removes.
sealed interface SweepScope {
    /// Every job's.
    static SweepScope everybody() {
        return new AllBut(KeptSnapshots.NONE);
    }

    /// All that ended jobs left, and that no journal names.
    record AllBut(KeptSnapshots kept) implements SweepScope {
        @Override
        public boolean covers(JobNames job) {
            return !job.isAmong(kept);
        }

        @Override
        public boolean coversRecords(String lineage) {
            return kept.names().stream().noneMatch(name -> name.lineage().equals(lineage));
        }
    }

    /// All but these jobs'.
    record Others(Set<JobNames> jobs) implements SweepScope {
        public Others {
            jobs = Set.copyOf(jobs);
        }

        @Override
        public boolean covers(JobNames job) {
            return !jobs.contains(job);
        }

        @Override
        public boolean coversRecords(String lineage) {
            return false;
        }
    }

    /// These jobs' alone.
    record Among(Set<JobNames> jobs) implements SweepScope {
        public Among {
            jobs = Set.copyOf(jobs);
        }

        @Override
        public boolean covers(JobNames job) {
            return jobs.contains(job);
        }

        @Override
        public boolean coversRecords(String lineage) {
            return false;
        }
    }

    /// One job's alone.
    record Only(JobNames job) implements SweepScope {
        @Override
        public boolean covers(JobNames other) {
            return other.equals(job);
        }

        @Override
        public boolean coversRecords(String lineage) {
            return false;
        }
    }

    /// Whether nodes, exports, files and the like of this job are to be removed.
    boolean covers(JobNames job);

    /// Whether the recording bitmaps of this lineage may be: a snapshot that is kept needs its own and those before.
    boolean coversRecords(String lineage);

    /// Whether this name of a node, an export, a QEMU job, an object or a merged bitmap is to be removed.
    default boolean covers(String name) {
        return JobNames.in(name).filter(this::covers).isPresent();
    }
}
