package io.stillpoint.engine;

/// Is told what a job does, for people to follow. Calls come from one thread, but for [#progressed].
public interface JobEvents {
    /// A step begins.
    ///
    /// @param step its name, stable: `prepare`, `freeze`, `snapshot`, `thaw`, `store`, `commit`, `release`, `restore`
    /// @param text what is being done, in words
    void step(String step, String text);

    /// Something that the user should know, though the job goes on.
    ///
    /// @param code stable, such as `guest.no-agent`
    void warning(String code, String text);

    /// So many bytes of `total` are done in the current step. Called by many threads.
    void progressed(long done, long total);

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
