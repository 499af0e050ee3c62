package io.stillpoint.integration;

import io.stillpoint.stores.request.Meter;
import io.stillpoint.stores.request.Prices;
import io.stillpoint.stores.s3.S3Address;
import io.stillpoint.stores.s3.S3Settings.Exclusion;
import io.stillpoint.testkit.ObjectStoreContract;
import io.stillpoint.testkit.S3Server;
import io.stillpoint.vault.store.ObjectStore;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Tag;

/// Buckets of real servers as stores.
@Tag("stores")
@Tag("slow")
final class S3StoreContractTest {
    @Nested
    final class OfCeph extends ObjectStoreContract {
        private final String bucket = S3Server.rados().newBucket();

        @Override
        protected ObjectStore open() {
            return S3Server.rados().store(bucket);
        }
    }

    @Nested
    final class OfCephWithTheBucketInTheHostsName extends ObjectStoreContract {
        private final String bucket = S3Server.rados().newBucket();

        @Override
        protected ObjectStore open() {
            S3Server server = S3Server.rados();
            return server.store(
                    new S3Address(bucket, "", server.named(), "default", false),
                    S3Server.SETTINGS,
                    Meter.unlimited(Prices.NONE));
        }
    }

    @Nested
    final class OfCephWithVersionsAndObjectLock extends ObjectStoreContract {
        private final String bucket = S3Server.rados().newLockedBucket();

        @Override
        protected ObjectStore open() {
            // It ignores the condition where versions are kept.
            return S3Server.rados()
                    .store(
                            bucket,
                            S3Server.SETTINGS.with(Exclusion.CHECK_FIRST),
                            Meter.unlimited(Prices.NONE));
        }
    }

    @Nested
    final class OfS3Proxy extends ObjectStoreContract {
        private final String bucket = S3Server.proxy().newBucket();

        @Override
        protected ObjectStore open() {
            return S3Server.proxy().store(bucket);
        }
    }
}
