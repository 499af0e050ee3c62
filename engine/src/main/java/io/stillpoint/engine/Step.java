package io.stillpoint.engine;

/// A part of a job that people and programs are told of. The words are stable.
public enum Step {
    /// The snapshot is got ready.
    PREPARE("prepare"),
    /// The extension in the guest is looked after.
    EXTENSION("extension"),
    PRE_SCRIPT("pre-script"),
    POST_SCRIPT("post-script"),
    /// The guest is brought to rest, and the snapshot taken.
    SNAPSHOT("snapshot"),
    /// The disks are read, and stored in the vault.
    STORE("store"),
    COMMIT("commit"),
    /// The snapshot is let go of.
    RELEASE("release"),
    /// A disk is written.
    RESTORE("restore"),
    /// What a device held before is taken away.
    CLEAR("clear");

    private final String word;

    Step(String word) {
        this.word = word;
    }

    public String word() {
        return word;
    }
}
