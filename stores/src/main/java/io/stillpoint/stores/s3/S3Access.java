package io.stillpoint.stores.s3;

import java.util.Map;
import org.jspecify.annotations.Nullable;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.AwsCredentialsProvider;
import software.amazon.awssdk.auth.credentials.DefaultCredentialsProvider;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;

/// Who we are to the server.
public sealed interface S3Access {
    /// The variable with an access key for this program alone; the secret key's is [#SECRET_KEY].
    String ACCESS_KEY = "STILLPOINT_S3_ACCESS_KEY";

    String SECRET_KEY = "STILLPOINT_S3_SECRET_KEY";

    AwsCredentialsProvider provider();

    /// A key pair.
    record Keys(String accessKey, String secretKey) implements S3Access {
        @Override
        public AwsCredentialsProvider provider() {
            return StaticCredentialsProvider.create(
                    AwsBasicCredentials.create(accessKey, secretKey));
        }

        /// Without the secret.
        @Override
        public String toString() {
            return "key " + accessKey;
        }
    }

    /// What AWS's own programs use: `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`, `~/.aws/credentials`, a role of
    /// the machine.
    ///
    /// @param profile of the files in `~/.aws`, or null for the default one
    record Standard(@Nullable String profile) implements S3Access {
        @Override
        public AwsCredentialsProvider provider() {
            return profile == null
                    ? DefaultCredentialsProvider.builder().build()
                    : DefaultCredentialsProvider.builder().profileName(profile).build();
        }
    }

    /// The key pair in our own variables if there is one, else the standard way.
    static S3Access of(Map<String, String> environment, @Nullable String profile) {
        String accessKey = environment.get(ACCESS_KEY);
        String secretKey = environment.get(SECRET_KEY);
        return profile == null && accessKey != null && secretKey != null
                ? new Keys(accessKey, secretKey)
                : new Standard(profile);
    }
}
