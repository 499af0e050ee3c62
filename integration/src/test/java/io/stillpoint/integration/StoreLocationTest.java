package io.stillpoint.integration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stillpoint.stores.StoreLocation;
import io.stillpoint.stores.request.Prices;
import io.stillpoint.stores.s3.S3Settings;
import io.stillpoint.vault.store.VaultException;
import io.stillpoint.vault.store.VaultException.Kind;
import java.net.URI;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// Where vaults are said to be.
final class StoreLocationTest {
    private static StoreLocation.Bucket bucket(String text) {
        return (StoreLocation.Bucket) StoreLocation.parse(text);
    }

    @ParameterizedTest
    @ValueSource(strings = {"/backup/vault", "vault", "./with space", "C:vault", "a?b=c"})
    void aPathIsAFolder(String text) {
        assertThat(StoreLocation.parse(text)).isEqualTo(new StoreLocation.Folder(Path.of(text)));
        assertThat(StoreLocation.parse(text)).hasToString(text);
        assertThat(StoreLocation.parse(text).isRemote()).isFalse();
    }

    @Test
    void aBucketOfAwsNeedsNoMoreThanItsName() {
        StoreLocation.Bucket found = bucket("s3://my-bucket");
        assertThat(found.address().bucket()).isEqualTo("my-bucket");
        assertThat(found.address().prefix()).isEmpty();
        assertThat(found.address().endpoint()).isNull();
        assertThat(found.address().isPathStyle()).isFalse();
        assertThat(found.settings()).isEqualTo(S3Settings.DEFAULT);
        assertThat(found.prices()).isEqualTo(Prices.S3_STANDARD_US_EAST_1);
        assertThat(found).hasToString("s3://my-bucket");
    }

    @Test
    void optionsSayTheRest() {
        StoreLocation.Bucket found =
                bucket(
                        "s3://b-1/some/where/?endpoint=http%3A%2F%2F127.0.0.1:9000&region=eu-west-1"
                                + "&path-style=false&checksums=md5&exclusive=check-first"
                                + "&lock=governance&part-size=8M&streams=3&profile=work"
                                + "&price-put=0.01&currency=EUR");
        assertThat(found.address().prefix()).isEqualTo("some/where/");
        assertThat(found.address().endpoint()).isEqualTo(URI.create("http://127.0.0.1:9000"));
        assertThat(found.address().region()).isEqualTo("eu-west-1");
        assertThat(found.address().isPathStyle()).isFalse();
        assertThat(found.profile()).isEqualTo("work");
        assertThat(found.settings())
                .isEqualTo(
                        new S3Settings(
                                S3Settings.Checksums.MD5,
                                S3Settings.Exclusion.CHECK_FIRST,
                                S3Settings.LockMode.GOVERNANCE,
                                8 << 20,
                                3,
                                S3Settings.DEFAULT.retries()));
        assertThat(found.prices()).isEqualTo(new Prices(0.01, 0, 0, 0, "EUR"));
        // Servers of one's own mostly have one name for all buckets.
        assertThat(bucket("s3://b-1?endpoint=http://h:1").address().isPathStyle()).isTrue();
    }

    @Test
    void aContainerIsNamedBehindItsAccount() {
        StoreLocation.Container found =
                (StoreLocation.Container)
                        StoreLocation.parse("azure://acc/box/some/where?streams=2");
        assertThat(found.address().service())
                .isEqualTo(URI.create("https://acc.blob.core.windows.net"));
        assertThat(found.address().container()).isEqualTo("box");
        assertThat(found.address().prefix()).isEqualTo("some/where/");
        assertThat(found.settings().streams()).isEqualTo(2);
        assertThat(found.settings().isLocked()).isTrue();
        StoreLocation.Container other =
                (StoreLocation.Container)
                        StoreLocation.parse("azure://acc/box?endpoint=http://h:1&lock=governance");
        assertThat(other.address().service()).isEqualTo(URI.create("http://h:1/acc"));
        assertThat(other.address().prefix()).isEmpty();
        assertThat(other.settings().isLocked()).isFalse();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "s3://|stores.location-bucket|s3://BUCKET/PREFIX",
                "s3:///prefix|stores.location-bucket|names no bucket",
                "s3:bucket/x|stores.location-slashes|s3://bucket/x",
                "S3:/bucket|stores.location-slashes|S3://bucket",
                "azure://account|stores.location-container|azure://ACCOUNT/CONTAINER",
                "azure://account/c?region=x|stores.location-option|endpoint",
                "https://host/bucket|stores.location-scheme|?endpoint=https://HOST",
                "s3://host:9000/bucket|stores.location-bucket-name|endpoint=",
                "s3://My_Bucket|stores.location-bucket-name|lowercase",
                "s3://bucket?regoin=eu|stores.location-option|region",
                "s3://bucket?region|stores.location-option-form|quotes",
                "s3://bucket?endpoint=host:9000|stores.location-value|http://HOST:PORT",
                "s3://bucket?checksums=sometimes|stores.location-value|when-required",
                "s3://bucket?path-style=1|stores.location-value|true, false",
                "s3://bucket?part-size=1K|stores.location-value|5M",
                "s3://bucket?streams=0|stores.location-value|1 ... 16",
                "s3://bucket?secret-key=abc|stores.location-secret|environment",
                "s3://bucket?accessKey=abc|stores.location-secret|environment"
            })
    void aNewcomersMistakeIsExplained(String text, String code, String advice) {
        assertThatThrownBy(() -> StoreLocation.parse(text))
                .isInstanceOfSatisfying(
                        VaultException.class,
                        e -> {
                            assertThat(e.kind()).isEqualTo(Kind.LOCATION);
                            assertThat(e.code()).isEqualTo(code);
                        })
                .hasMessageContaining(advice)
                .hasMessageNotContaining("=abc");
    }
}
