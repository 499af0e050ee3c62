package io.stillpoint.stores.s3;

import io.stillpoint.stores.request.RangedObject;
import io.stillpoint.stores.request.RequestClass;
import io.stillpoint.vault.store.ObjectName;
import io.stillpoint.vault.store.VaultException;
import io.stillpoint.vault.store.VaultException.Kind;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import software.amazon.awssdk.awscore.exception.AwsServiceException;
import software.amazon.awssdk.core.sync.ResponseTransformer;
import software.amazon.awssdk.http.AbortableInputStream;
import software.amazon.awssdk.services.s3.model.GetObjectRequest;
import software.amazon.awssdk.services.s3.model.GetObjectResponse;

/// Opens and reads objects by ranges.
final class S3Reader {
    private final S3Requests requests;
    private final S3Deletion deletion;

    S3Reader(S3Requests requests, S3Deletion deletion) {
        this.requests = requests;
        this.deletion = deletion;
    }

    /// The first bytes and the size, in one request. Throws kind `MISSING`.
    RangedObject open(ObjectName name) {
        RangedObject.Opened opened =
                requests.call(
                        RequestClass.GET,
                        "open",
                        name,
                        (client, _) -> {
                            try {
                                return client.getObject(
                                        range(name, 0, RangedObject.HEAD),
                                        ResponseTransformer.unmanaged(S3Reader::head));
                            } catch (AwsServiceException e) {
                                if (S3Errors.isBadRange(e)) {
                                    // No byte is in range of an empty object.
                                    return RangedObject.Opened.EMPTY;
                                }
                                throw missing(name, e);
                            }
                        });
        requests.meter().received(opened.head().length);
        return new Ranges(name, opened);
    }

    private RuntimeException missing(ObjectName name, AwsServiceException e) {
        if (!S3Errors.isMissing(e)) {
            return e;
        }
        return deletion.isHidden(name)
                ? S3Errors.error(Kind.MISSING, "stores.hidden", e, requests.place(name))
                : new VaultException(Kind.MISSING, "vault.missing", e, requests.place(name));
    }

    private GetObjectRequest range(ObjectName name, long offset, int length) {
        return GetObjectRequest.builder()
                .bucket(requests.bucket())
                .key(requests.key(name))
                .range("bytes=" + offset + "-" + (offset + length - 1))
                .build();
    }

    private static RangedObject.Opened head(
            GetObjectResponse response, AbortableInputStream content) throws IOException {
        try (content) {
            long size = whole(response);
            int length = (int) Math.min(size, RangedObject.HEAD);
            byte[] head = content.readNBytes(length);
            if (head.length < length) {
                throw new EOFException("answer of " + head.length + " bytes, not " + length);
            }
            if (response.contentRange() == null && size > length) {
                // A server without ranges goes on sending.
                content.abort();
            }
            return new RangedObject.Opened(head, size, response.lastModified());
        }
    }

    /// Of the whole object. `Content-Range` is `bytes first-last/size` (RFC 9110, section 14.4).
    private static long whole(GetObjectResponse response) throws IOException {
        String range = response.contentRange();
        if (range == null) {
            return response.contentLength();
        }
        String size = range.substring(range.indexOf('/') + 1);
        if (!size.matches("\\d{1,18}")) {
            throw new IOException("Content-Range: " + range);
        }
        return Long.parseLong(size);
    }

    private final class Ranges extends RangedObject {
        Ranges(ObjectName name, Opened opened) {
            super(name, requests.place(name), opened);
        }

        @Override
        protected void fetch(long offset, byte[] into, int at, int length) {
            requests.call(
                    RequestClass.GET,
                    "read",
                    name(),
                    (client, _) -> {
                        try {
                            return client.getObject(
                                    range(name(), offset, length),
                                    ResponseTransformer.unmanaged((response, content) -> {
                                        try (content) {
                                            seek(response, content, offset);
                                            fill(content, into, at, length);
                                            if (response.contentRange() == null) {
                                                content.abort();
                                            }
                                        }
                                        return true;
                                    }));
                        } catch (AwsServiceException e) {
                            if (S3Errors.isBadRange(e)) {
                                throw truncated(requests.place(name()), offset + length, offset);
                            }
                            throw missing(name(), e);
                        }
                    });
            requests.meter().received(length);
        }

        /// Goes to where the range begins: a server without ranges sends the whole object.
        private void seek(GetObjectResponse response, InputStream content, long offset)
                throws IOException {
            long size = whole(response);
            if (size != size()) {
                throw truncated(requests.place(name()), size(), size);
            }
            if (response.contentRange() == null) {
                content.skipNBytes(offset);
            }
        }

        private static void fill(InputStream content, byte[] into, int at, int length)
                throws IOException {
            int count = content.readNBytes(into, at, length);
            if (count < length) {
                throw new EOFException("answer of " + count + " bytes, not " + length);
            }
        }
    }
}
