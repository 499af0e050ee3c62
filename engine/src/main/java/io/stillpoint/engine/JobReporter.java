package io.stillpoint.engine;

import io.stillpoint.platform.text.Text;

/// Tells what one job does.
public record JobReporter(JobId job, JobEvents events) {
    /// A job that nobody listens to.
    public static final JobReporter SILENT = new JobReporter(new JobId("silent"), JobEvents.SILENT);

    void step(Step step, Text text) {
        events.tell(new JobEvent.StepBegan(job, step, text));
    }

    void warning(Text text) {
        events.tell(new JobEvent.Warned(job, text));
    }

    void warning(String code, Text text) {
        events.tell(new JobEvent.Warned(job, text, code));
    }

    void note(Text text) {
        events.tell(new JobEvent.Noted(job, text));
    }

    void note(String code, Text text) {
        events.tell(new JobEvent.Noted(job, text, code));
    }

    void scratch(long bytes) {
        events.tell(new JobEvent.ScratchTaken(job, bytes));
    }

    void progressed(Step step, String disk, long done, long total) {
        events.tell(new JobEvent.Progressed(job, step, disk, done, total));
    }

    void read(Step step, String disk, long bytes) {
        events.tell(new JobEvent.Read(job, step, disk, bytes));
    }
}
