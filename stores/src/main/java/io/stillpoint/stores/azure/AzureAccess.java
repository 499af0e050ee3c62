package io.stillpoint.stores.azure;

import com.azure.storage.blob.BlobContainerClientBuilder;
import com.azure.storage.common.StorageSharedKeyCredential;
import java.util.Map;

/// Who we are to the server.
public sealed interface AzureAccess {
    /// The variable with the account's key, by the name that Azure's own programs use.
    String KEY = "AZURE_STORAGE_KEY";

    /// The variable with a shared access signature for the container.
    String SIGNATURE = "AZURE_STORAGE_SAS_TOKEN";

    void apply(BlobContainerClientBuilder client, String account);

    /// The account's key. It may do everything.
    record Key(String key) implements AzureAccess {
        @Override
        public void apply(BlobContainerClientBuilder client, String account) {
            client.credential(new StorageSharedKeyCredential(account, key));
        }

        /// Without the secret.
        @Override
        public String toString() {
            return "key";
        }
    }

    /// A shared access signature.
    record Signature(String token) implements AzureAccess {
        @Override
        public void apply(BlobContainerClientBuilder client, String account) {
            client.sasToken(token);
        }

        /// Without the secret.
        @Override
        public String toString() {
            return "shared access signature";
        }
    }

    /// No credentials were found.
    record None() implements AzureAccess {
        @Override
        public void apply(BlobContainerClientBuilder client, String account) {
            throw AzureErrors.noCredentials(account);
        }
    }

    /// What the variables hold; a signature is preferred, since it may do less.
    static AzureAccess of(Map<String, String> environment) {
        String token = environment.get(SIGNATURE);
        String key = environment.get(KEY);
        if (token != null) {
            return new Signature(token);
        }
        return key == null ? new None() : new Key(key);
    }
}
