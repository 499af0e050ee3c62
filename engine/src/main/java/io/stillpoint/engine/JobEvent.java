package io.stillpoint.engine;

import io.stillpoint.platform.text.Text;

/// Something that a job tells while it runs.
public sealed interface JobEvent {
    /// Which job.
    JobId job();

    /// A step begins.
    ///
    /// @param text what is being done
    record StepBegan(JobId job, Step step, Text text) implements JobEvent {}

    /// What comes of the job is less than it could be, or less than it was: a fall to crash consistency, a base that was
    /// lost, a disk left out. The command ends with a status of its own for it, and lists it in its JSON.
    ///
    /// @param code stable, such as `guest.no-agent`; tells more than the text's own where one text serves many causes
    record Warned(JobId job, Text text, String code) implements JobEvent {
        public Warned(JobId job, Text text) {
            this(job, text, text.code());
        }
    }

    /// Something that the user should know, though what comes of the job is as good as without it.
    ///
    /// @param code stable, such as `guest.left-frozen`
    record Noted(JobId job, Text text, String code) implements JobEvent {
        public Noted(JobId job, Text text) {
            this(job, text, text.code());
        }
    }

    /// A disk has come so far in a step. At the step's begin each of its disks is told with nothing done, so that their
    /// totals together are the step's.
    ///
    /// @param done bytes from the disk's start, from 0 to `total`; events of one disk may overtake each other
    /// @param total the disk's size in bytes
    record Progressed(JobId job, Step step, String disk, long done, long total)
            implements JobEvent {
        public Progressed {
            if (done < 0 || total < done) {
                throw new IllegalArgumentException(done + " of " + total);
            }
        }
    }

    /// The snapshot is about to be released.
    ///
    /// @param bytes of scratch space that the guest's writes have taken while it was held
    record ScratchTaken(JobId job, long bytes) implements JobEvent {}

    /// So many more bytes of a disk were really read or written in a step: what a rate is made of.
    record Read(JobId job, Step step, String disk, long bytes) implements JobEvent {
        public Read {
            if (bytes < 0) {
                throw new IllegalArgumentException("bytes: " + bytes);
            }
        }
    }
}
