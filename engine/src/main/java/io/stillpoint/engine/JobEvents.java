package io.stillpoint.engine;

/// Is told what a job does, for people to follow. Calls come from one thread, but for [#progressed] and [#read].
public interface JobEvents {
    /// A step begins.
    ///
    /// @param step its name, stable: `prepare`, `freeze`, `snapshot`, `thaw`, `store`, `commit`, `release`, `restore`
    /// @param text what is being done, in words
    void step(String step, String text);

    /// What comes of the job is less than it could be, or less than it was: a fall to crash consistency, a base that was
    /// lost, a disk left out. The command ends with a status of its own for it, and lists it in its JSON.
    ///
    /// @param code stable, such as `guest.no-agent`
    void warning(String code, String text);

    /// Something that the user should know, though what comes of the job is as good as without it.
    ///
    /// @param code stable, such as `guest.left-frozen`
    default void note(String code, String text) {
        warning(code, text);
    }

    /// So many bytes of `total` are done in the current step. Called by many threads.
    void progressed(long done, long total);

    /// So many more bytes were really read or written in the current step: what a rate is made of. Called by many threads.
    default void read(long bytes) {}

    /// Tells nobody.
    JobEvents SILENT =
            new JobEvents() {
                @Override
                public void step(String step, String text) {}

                @Override
                public void warning(String code, String text) {}

                @Override
                public void progressed(long done, long total) {}
            };
}
