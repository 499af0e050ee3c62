package io.stillpoint.stores.s3;

import java.net.URI;
import org.jspecify.annotations.Nullable;

/// Where objects lie.
///
/// @param prefix empty, or ends with `/`
/// @param endpoint the server, or null for AWS itself
/// @param region null: what the environment says, and for other servers than AWS any
/// @param isPathStyle whether the bucket stands in the path rather than in the host's name
public record S3Address(
        String bucket,
        String prefix,
        @Nullable URI endpoint,
        @Nullable String region,
        boolean isPathStyle) {
    public S3Address {
        if (!prefix.isEmpty() && !prefix.endsWith("/")) {
            throw new IllegalArgumentException("prefix without / at its end: " + prefix);
        }
    }

    @Override
    public String toString() {
        return "s3://"
                + bucket
                + (prefix.isEmpty() ? "" : "/" + prefix.substring(0, prefix.length() - 1))
                + (endpoint == null ? "" : " at " + endpoint);
    }
}
