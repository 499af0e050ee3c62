package io.stillpoint.stores.s3;

import io.stillpoint.stores.request.RetryPolicy;

/// How to speak to a server.
///
/// @param partSize of large objects in bytes, at least 5 MiB
/// @param streams requests at once; half of them may be parts of uploads, each in memory
public record S3Settings(
        Checksums checksums,
        Exclusion exclusion,
        LockMode lockMode,
        int partSize,
        int streams,
        RetryPolicy retries) {
    /// A metadata pack takes one request, a data pack three parts.
    public static final S3Settings DEFAULT =
            new S3Settings(
                    Checksums.WHEN_REQUIRED,
                    Exclusion.CONDITIONAL,
                    LockMode.COMPLIANCE,
                    12 << 20,
                    8,
                    RetryPolicy.DEFAULT);

    /// The protocol's least size of a part that is not the last.
    public static final int PART_MIN = 5 << 20;

    public S3Settings {
        if (partSize < PART_MIN || streams < 1) {
            throw new IllegalArgumentException("part size " + partSize + ", streams " + streams);
        }
    }

    /// Which checksums travel with requests, besides the signature's.
    public enum Checksums {
        /// Where the protocol demands one: what servers older than 2025 know.
        WHEN_REQUIRED,
        /// CRC-32 with everything, in trailers: what AWS's programs do.
        WHEN_SUPPORTED,
        /// `Content-MD5` with everything stored: old servers check it, and buckets with a default retention demand it.
        MD5
    }

    /// How it is made sure that no object is replaced.
    public enum Exclusion {
        /// `If-None-Match: *`: the server decides, at once and for all.
        CONDITIONAL,
        /// Looking before writing: two writers at the same moment may both succeed.
        CHECK_FIRST
    }

    /// Who may lift a retention before its time.
    public enum LockMode {
        /// Nobody.
        COMPLIANCE,
        /// Users with a right of their own for that.
        GOVERNANCE
    }

    public S3Settings with(RetryPolicy other) {
        return new S3Settings(checksums, exclusion, lockMode, partSize, streams, other);
    }

    public S3Settings with(Exclusion other) {
        return new S3Settings(checksums, other, lockMode, partSize, streams, retries);
    }

    public S3Settings with(LockMode other) {
        return new S3Settings(checksums, exclusion, other, partSize, streams, retries);
    }

    public S3Settings with(Checksums other) {
        return new S3Settings(other, exclusion, lockMode, partSize, streams, retries);
    }

    public S3Settings withPartSize(int bytes) {
        return new S3Settings(checksums, exclusion, lockMode, bytes, streams, retries);
    }
}
