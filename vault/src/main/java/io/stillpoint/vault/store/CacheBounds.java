package io.stillpoint.vault.store;

/// What an open vault keeps of its store in memory at most, for all who use it together. None of it is ever needed again: what is
/// not kept is asked for once more.
///
/// These caches live in the reserve of the [MemoryBudget][io.stillpoint.platform.MemoryBudget]. What grows with the vault (the
/// index) or with the number of workers (their buffers) is no cache, and takes its bytes from the budget itself.
///
/// @param packs open packs, each of which may have a file descriptor; those in use are kept beyond that
/// @param nodeBytes frames of nodes, in bytes
/// @param nodeReaderBytes buffers of readers of nodes that nobody uses now, in bytes
/// @param recordBytes records, in bytes of their objects
/// @param pointBytes recovery points, in bytes of their objects, of which a point takes a few times as many on the heap
/// @param recentItems items that were stored since the last segment of the index was written, of some 250 bytes each; who would
///     add more waits for the segment
public record CacheBounds(
        int packs,
        long nodeBytes,
        long nodeReaderBytes,
        long recordBytes,
        long pointBytes,
        int recentItems) {
    public static final CacheBounds USUAL =
            new CacheBounds(128, 16 << 20, 4 << 20, 4 << 20, 8 << 20, 1 << 18);

    public CacheBounds {
        if (packs < 1
                || nodeBytes < 0
                || nodeReaderBytes < 0
                || recordBytes < 0
                || pointBytes < 0
                || recentItems < 2) {
            throw new IllegalArgumentException("bounds of caches");
        }
    }
}
