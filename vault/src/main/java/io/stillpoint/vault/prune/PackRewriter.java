package io.stillpoint.vault.prune;

import io.stillpoint.platform.Cancellation;
import io.stillpoint.platform.Crew;
import io.stillpoint.platform.JobShare;
import io.stillpoint.platform.Processors;
import io.stillpoint.platform.text.Text;
import io.stillpoint.vault.crypto.CipherWarmUp;
import io.stillpoint.vault.crypto.ItemHasher;
import io.stillpoint.vault.crypto.ItemId;
import io.stillpoint.vault.crypto.ObjectKind;
import io.stillpoint.vault.index.ItemIndex;
import io.stillpoint.vault.pack.Compression;
import io.stillpoint.vault.pack.DifferenceCodec;
import io.stillpoint.vault.pack.FrameCodec;
import io.stillpoint.vault.pack.FrameItems;
import io.stillpoint.vault.pack.FrameReader;
import io.stillpoint.vault.pack.PackFile;
import io.stillpoint.vault.pack.PackGroup;
import io.stillpoint.vault.pack.PackWriter;
import io.stillpoint.vault.session.VaultParts;
import io.stillpoint.vault.session.VaultSettings;
import io.stillpoint.vault.store.ObjectId;
import io.stillpoint.vault.store.VaultException;
import java.util.List;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/// Copies what is needed of packs to new ones.
public final class PackRewriter {
    private static final int NODE_FRAME = 64 << 10;

    /// A frame read, chunks to be stored, and these compressed.
    private static final long WORKER_MEMORY = FrameReader.MEMORY + 2L * FrameCodec.PLAIN_MAX;

    /// What rewriting can't work without, in bytes.
    static long leastMemory(VaultSettings settings) {
        return WORKER_MEMORY + settings.dataPack() + settings.metadataPack();
    }

    private final VaultParts parts;
    private final PackCensus census;
    private final Set<ObjectId> condemned;
    private final JobShare job;
    private final Cancellation cancellation;
    private final Set<ObjectId> rewritten = ConcurrentHashMap.newKeySet();
    private final Queue<Text> warnings = new ConcurrentLinkedQueue<>();
    private final AtomicLong copiedBytes = new AtomicLong();

    /// @param condemned packs that copies are never chosen from
    PackRewriter(VaultParts parts, PackCensus census, Set<ObjectId> condemned, JobShare job) {
        this.parts = parts;
        this.census = census;
        this.condemned = condemned;
        this.job = job;
        cancellation = job.cancellation();
    }

    /// Copies; the copies are durable and indexed when this returns.
    void run(List<ObjectId> packs) {
        ItemIndex index = parts.contents().index();
        Queue<ObjectId> queue = new ConcurrentLinkedQueue<>(packs);
        VaultSettings settings = parts.settings();
        try (CipherWarmUp warmUp = CipherWarmUp.start(job.threads());
                PackWriter data =
                        parts.packWriter(settings, ObjectKind.DATA_PACK, job, index::durable);
                PackWriter metadata =
                        parts.packWriter(settings, ObjectKind.METADATA_PACK, job, index::durable)) {
            Crew crew =
                    new Crew(
                                    "rewrite",
                                    parts.contents().process().processors().count(),
                                    WORKER_MEMORY)
                            .leaving(data.wanted() + metadata.wanted())
                            .resting(() -> {
                                data.rest();
                                metadata.rest();
                            });
            job.work(
                    crew,
                    member -> {
                        warmUp.await();
                        try (Worker worker = new Worker(data, metadata)) {
                            ObjectId pack;
                            while (member.goesOn() && (pack = queue.poll()) != null) {
                                worker.rewrite(pack);
                                data.makeRoom();
                                metadata.makeRoom();
                            }
                            worker.finish();
                        }
                    });
            data.finish();
            metadata.finish();
            index.flush();
        }
    }

    /// Packs of which everything needed was copied.
    Set<ObjectId> rewritten() {
        return rewritten;
    }

    long copiedBytes() {
        return copiedBytes.get();
    }

    List<Text> warnings() {
        return List.copyOf(warnings);
    }

    private final class Worker implements AutoCloseable {
        private final PackWriter data;
        private final PackWriter metadata;
        private final FrameReader reader = new FrameReader();
        private final ItemHasher hasher = new ItemHasher(parts.contents().keys());
        private final ItemIndex.Lookup lookup = parts.contents().index().allPlaces(condemned);
        private final FrameCodec dataCodec = new FrameCodec(Compression.DATA);
        private final FrameCodec metadataCodec = new FrameCodec(Compression.METADATA);
        private final FrameItems chunks = new FrameItems(parts.settings().frame(), 255);
        private final FrameItems nodes = new FrameItems(NODE_FRAME, 255);

        Worker(PackWriter data, PackWriter metadata) {
            this.data = data;
            this.metadata = metadata;
        }

        void rewrite(ObjectId id) {
            try (PackFile pack =
                    PackFile.open(parts.contents().store(), parts.contents().keys(), id)) {
                for (PackGroup group : pack.directory(reader)) {
                    cancellation.check();
                    Processors.pass();
                    copy(pack, group);
                }
                rewritten.add(id);
            } catch (VaultException e) {
                e.requireDamage();
                // It stays; what was copied of it does no harm.
                warnings.add(e.text());
            }
        }

        private void copy(PackFile pack, PackGroup group) {
            boolean isRead = false;
            int at = 0;
            for (int i = 0; i < group.ids().length; i++) {
                ItemId item = group.ids()[i];
                int length = group.lengths()[i];
                if (census.keeps(item, pack.id(), lookup.places(item))) {
                    if (!isRead) {
                        reader.readChecked(pack, group.frameOffset(), group.frameLength());
                        isRead = true;
                    }
                    append(pack, item, group.bases()[i], at, length);
                }
                at += length;
            }
        }

        private void append(PackFile pack, ItemId item, @Nullable ItemId base, int at, int length) {
            boolean isChunk = pack.kind() == ObjectKind.DATA_PACK;
            byte[] plain = reader.plain();
            if (at + length > plain.length || !isSound(isChunk, item, base, at, length)) {
                throw pack.where().damaged("item " + item);
            }
            FrameItems items = isChunk ? chunks : nodes;
            if (!items.hasRoom(length)) {
                flush(isChunk);
            }
            items.add(item, base, plain, at, length);
            copiedBytes.addAndGet(length);
        }

        private boolean isSound(
                boolean isChunk, ItemId item, @Nullable ItemId base, int at, int length) {
            byte[] plain = reader.plain();
            if (base != null) {
                // It goes as it came; its frame was authentic.
                return isChunk
                        && length > ItemId.LENGTH
                        && DifferenceCodec.base(plain, at).equals(base);
            }
            ItemId id = isChunk ? hasher.chunk(plain, at, length) : hasher.node(plain, at, length);
            return id.equals(item);
        }

        private void flush(boolean isChunk) {
            if (isChunk) {
                data.append(dataCodec, chunks);
            } else {
                metadata.append(metadataCodec, nodes);
            }
        }

        void finish() {
            if (!chunks.isEmpty()) {
                flush(true);
            }
            if (!nodes.isEmpty()) {
                flush(false);
            }
        }

        @Override
        public void close() {
            reader.close();
            dataCodec.close();
            metadataCodec.close();
        }
    }
}
