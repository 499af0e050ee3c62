package io.stillpoint.benchmark.denser;

/// One way to store: what is done to a chunk that has a predecessor.
///
/// @param kind how a changed chunk is stored
/// @param unit bytes compared at once, a bit each; for `SMALL` the size of chunks
/// @param depth how many chunks must be put together to read one, less one
/// @param limit bytes that may have changed at most, or the chunk is stored whole
record Way(String name, Kind kind, int unit, int depth, int limit) {
    /// How a changed chunk is stored.
    enum Kind {
        /// As now.
        WHOLE,
        /// As now, with smaller chunks.
        SMALL,
        /// The units that changed.
        PAGES,
        /// The units that changed, each as its difference in bits.
        XOR,
        /// Compressed alone, with the predecessor as dictionary.
        DICTIONARY
    }

    /// `whole`, `small:BYTES`, or `pages|xor|dictionary:BYTES:DEPTH:LIMIT`.
    static Way parse(String text) {
        String[] parts = text.split(":", -1);
        Kind kind =
                switch (parts[0]) {
                    case "whole" -> Kind.WHOLE;
                    case "small" -> Kind.SMALL;
                    case "pages" -> Kind.PAGES;
                    case "xor" -> Kind.XOR;
                    case "dictionary" -> Kind.DICTIONARY;
                    default -> throw new IllegalArgumentException("unknown way " + text);
                };
        return switch (kind) {
            case WHOLE -> new Way(text, kind, History.CHUNK, 0, 0);
            case SMALL -> new Way(text, kind, Integer.parseInt(parts[1]), 0, 0);
            case PAGES, XOR, DICTIONARY ->
                    new Way(
                            text,
                            kind,
                            Integer.parseInt(parts[1]),
                            Integer.parseInt(parts[2]),
                            Integer.parseInt(parts[3]));
        };
    }

    int chunk() {
        return kind == Kind.SMALL ? unit : History.CHUNK;
    }
}
