package io.stillpoint.vault.point;

/// What a recovery point's disks are like, best last.
public enum Consistency {
    /// As after a power cut.
    CRASH("crash"),
    /// All file systems were frozen at the instant.
    FILE_SYSTEM("file-system"),
    /// The applications had brought their data to rest too.
    APPLICATION("application"),
    /// The VM was off: nothing wrote.
    STOPPED("stopped");

    private final String word;

    Consistency(String word) {
        this.word = word;
    }

    /// As it stands in recovery points and in the output.
    public String word() {
        return word;
    }

    /// The reverse of [#word]. Throws [IllegalArgumentException] for another word.
    public static Consistency of(String word) {
        for (Consistency consistency : values()) {
            if (consistency.word.equals(word)) {
                return consistency;
            }
        }
        throw new IllegalArgumentException("no consistency: " + word);
    }
}
