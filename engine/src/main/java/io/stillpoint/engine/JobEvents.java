package io.stillpoint.engine;

/// Is told what jobs do, for people to follow and programs to show. May serve many jobs at once.
@FunctionalInterface
public interface JobEvents {
    /// Steps, warnings and notes of one job come from one thread, in order; [JobEvent.Progressed] and [JobEvent.Read] from
    /// many at once, often. Must not throw, and must not wait: the job does meanwhile.
    void tell(JobEvent event);

    /// Tells nobody.
    JobEvents SILENT = _ -> {};
}
