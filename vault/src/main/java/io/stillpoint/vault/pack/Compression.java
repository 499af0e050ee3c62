package io.stillpoint.vault.pack;

import com.github.luben.zstd.ZstdCompressCtx;

/// How hard zstd tries. Any reader reads any of them.
public enum Compression {
    /// For data: see `docs/decisions/0003-compression.md` for what was measured.
    DATA {
        @Override
        void configure(ZstdCompressCtx context) {
            context.setLevel(3);
        }
    },
    /// For nodes, which are hashes but for a few bytes: finds out quickly.
    METADATA {
        @Override
        void configure(ZstdCompressCtx context) {
            context.setLevel(1);
        }
    };

    abstract void configure(ZstdCompressCtx context);
}
