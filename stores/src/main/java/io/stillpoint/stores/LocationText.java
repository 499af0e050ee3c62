package io.stillpoint.stores;

import io.stillpoint.platform.ByteSize;
import io.stillpoint.stores.azure.AzureAddress;
import io.stillpoint.stores.azure.AzureSettings;
import io.stillpoint.stores.request.Prices;
import io.stillpoint.stores.s3.S3Address;
import io.stillpoint.stores.s3.S3Settings;
import io.stillpoint.stores.s3.S3Settings.LockMode;
import io.stillpoint.vault.store.VaultException;
import io.stillpoint.vault.store.VaultException.Kind;
import java.net.URI;
import java.net.URISyntaxException;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/// A location as text: `SCHEME://NAME/PREFIX?OPTION=VALUE&…`, or a path. Each option that is asked for is struck off;
/// what is left in the end nobody knows.
final class LocationText {
    private static final Set<String> PRICE_OPTIONS =
            Set.of("price-put", "price-get", "price-out", "price-month", "currency");

    private final String text;
    private final String name;
    private final String prefix;
    private final Map<String, String> options;
    private final Set<String> known = new TreeSet<>();

    private LocationText(String text, String name, String prefix, Map<String, String> options) {
        this.text = text;
        this.name = name;
        this.prefix = prefix;
        this.options = options;
    }

    static StoreLocation parse(String text) {
        int scheme = text.indexOf("://");
        // An empty path would be the current folder.
        if (text.isBlank() || text.strip().equalsIgnoreCase("file://")) {
            throw wrong("stores.location-empty");
        }
        if (scheme < 0) {
            // `s3:bucket` is how some other programs write it.
            if (text.matches("(?i)(s3|azure):.*")) {
                throw wrong("stores.location-slashes", text, text.replaceFirst(":/*", "://"));
            }
            return new StoreLocation.Folder(Path.of(text));
        }
        return switch (text.substring(0, scheme).toLowerCase(Locale.ROOT)) {
            case "s3" -> split(text, scheme + 3).bucket();
            case "azure" -> split(text, scheme + 3).container();
            case "file" -> new StoreLocation.Folder(Path.of(text.substring(scheme + 3)));
            default -> throw wrong("stores.location-scheme", text);
        };
    }

    private static LocationText split(String text, int start) {
        int query = text.indexOf('?', start);
        String path = query < 0 ? text.substring(start) : text.substring(start, query);
        Map<String, String> options = new LinkedHashMap<>();
        if (query >= 0) {
            for (String option : text.substring(query + 1).split("&")) {
                int equals = option.indexOf('=');
                if (equals < 1) {
                    throw wrong("stores.location-option-form", text, option);
                }
                options.put(
                        option.substring(0, equals),
                        URLDecoder.decode(option.substring(equals + 1), StandardCharsets.UTF_8));
            }
        }
        int slash = path.indexOf('/');
        String name = slash < 0 ? path : path.substring(0, slash);
        String prefix = slash < 0 ? "" : path.substring(slash + 1).replaceAll("^/+|/+$", "");
        return new LocationText(text, name, prefix.isEmpty() ? "" : prefix + "/", options);
    }

    private StoreLocation bucket() {
        if (name.isEmpty()) {
            throw wrong("stores.location-bucket", text);
        }
        if (!name.matches("[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")) {
            throw wrong("stores.location-bucket-name", text, name);
        }
        URI endpoint = option("endpoint", null, this::endpoint);
        boolean isPathStyle = option("path-style", endpoint != null, this::yesOrNo);
        S3Address address =
                new S3Address(
                        name,
                        prefix,
                        endpoint,
                        option("region", null, value -> value),
                        isPathStyle);
        S3Settings usual = S3Settings.DEFAULT;
        S3Settings settings =
                new S3Settings(
                        choice("checksums", usual.checksums()),
                        choice("exclusive", usual.exclusion()),
                        choice("lock", usual.lockMode()),
                        option("part-size", usual.partSize(), this::partSize),
                        option("streams", usual.streams(), this::streams),
                        usual.retries());
        String profile = option("profile", null, value -> value);
        Prices prices = prices(endpoint == null ? Prices.S3_STANDARD_US_EAST_1 : Prices.NONE);
        requireAllKnown();
        return new StoreLocation.Bucket(text, address, settings, profile, prices);
    }

    private StoreLocation container() {
        int slash = prefix.indexOf('/');
        if (name.isEmpty() || slash < 0) {
            throw wrong("stores.location-container", text);
        }
        String service =
                option("endpoint", null, this::endpoint) == null
                        ? "https://" + name + ".blob.core.windows.net"
                        // Emulators have the account in the path.
                        : options.get("endpoint") + "/" + name;
        AzureAddress address =
                new AzureAddress(
                        name,
                        URI.create(service),
                        prefix.substring(0, slash),
                        prefix.substring(slash + 1));
        AzureSettings usual = AzureSettings.DEFAULT;
        AzureSettings settings =
                new AzureSettings(
                        choice("lock", LockMode.COMPLIANCE) == LockMode.COMPLIANCE,
                        option("part-size", usual.blockSize(), this::partSize),
                        option("streams", usual.streams(), this::streams),
                        usual.retries());
        // Azure's differ by region, tier and redundancy too much for a default.
        Prices prices = prices(Prices.NONE);
        requireAllKnown();
        return new StoreLocation.Container(text, address, settings, prices);
    }

    private Prices prices(Prices usual) {
        known.addAll(PRICE_OPTIONS);
        return new Prices(
                option("price-put", usual.thousandPuts(), this::price),
                option("price-get", usual.thousandGets(), this::price),
                option("price-out", usual.gigabyteOut(), this::price),
                option("price-month", usual.gigabyteMonth(), this::price),
                option("currency", usual.currency(), value -> value));
    }

    private <T extends @Nullable Object> T option(
            String option, T usual, Function<String, ? extends T> read) {
        known.add(option);
        String value = options.get(option);
        if (value == null) {
            return usual;
        }
        if (value.isBlank()) {
            throw wrong("stores.location-empty-option", text, option);
        }
        try {
            return read.apply(value);
        } catch (IllegalArgumentException e) {
            throw new VaultException(
                    StoreLocation.class,
                    Kind.LOCATION,
                    "stores.location-value",
                    e,
                    text,
                    option,
                    value,
                    String.valueOf(e.getMessage()));
        }
    }

    /// A constant of an enumeration by its name in lower case, words joined by `-`.
    private <E extends Enum<E>> E choice(String option, E usual) {
        return option(
                option,
                usual,
                value -> {
                    for (E each : usual.getDeclaringClass().getEnumConstants()) {
                        if (word(each).equals(value)) {
                            return each;
                        }
                    }
                    Set<String> words = new TreeSet<>();
                    for (E each : usual.getDeclaringClass().getEnumConstants()) {
                        words.add(word(each));
                    }
                    throw new IllegalArgumentException(String.join(", ", words));
                });
    }

    private static String word(Enum<?> constant) {
        return constant.name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    private URI endpoint(String value) {
        try {
            URI endpoint = new URI(value);
            if (endpoint.getHost() == null || !value.matches("https?://.*")) {
                throw new IllegalArgumentException("https://HOST or http://HOST:PORT");
            }
            return endpoint;
        } catch (URISyntaxException e) {
            throw new IllegalArgumentException("https://HOST or http://HOST:PORT", e);
        }
    }

    private boolean yesOrNo(String value) {
        return switch (value) {
            case "true", "yes" -> true;
            case "false", "no" -> false;
            default -> throw new IllegalArgumentException("true, false");
        };
    }

    private int partSize(String value) {
        long bytes = ByteSize.parse(value).bytes();
        if (bytes < S3Settings.PART_MIN || bytes > 1 << 30) {
            throw new IllegalArgumentException("5M ... 1G");
        }
        return (int) bytes;
    }

    private int streams(String value) {
        if (!value.matches("[1-9]|1[0-6]")) {
            throw new IllegalArgumentException("1 ... 16");
        }
        return Integer.parseInt(value);
    }

    private double price(String value) {
        if (!value.matches("\\d{1,9}(\\.\\d{1,9})?")) {
            throw new IllegalArgumentException("0.005");
        }
        return Double.parseDouble(value);
    }

    private void requireAllKnown() {
        for (String option : options.keySet()) {
            if (option.matches("(?i).*(secret|password|access.?key|account.?key).*")) {
                throw wrong("stores.location-secret", name, option);
            }
            if (!known.contains(option)) {
                throw wrong("stores.location-option", text, option, String.join(", ", known));
            }
        }
    }

    private static VaultException wrong(String code, Object... arguments) {
        return new VaultException(StoreLocation.class, Kind.LOCATION, code, null, arguments);
    }
}
