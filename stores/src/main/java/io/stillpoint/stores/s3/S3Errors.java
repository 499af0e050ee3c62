package io.stillpoint.stores.s3;

import io.stillpoint.platform.CancelledException;
import io.stillpoint.platform.disk.Reason;
import io.stillpoint.platform.text.Text;
import io.stillpoint.stores.request.Meter;
import io.stillpoint.stores.request.Retries.Verdict;
import io.stillpoint.vault.store.VaultException;
import io.stillpoint.vault.store.VaultException.Kind;
import java.io.IOException;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import software.amazon.awssdk.awscore.exception.AwsServiceException;
import software.amazon.awssdk.core.exception.AbortedException;
import software.amazon.awssdk.core.exception.SdkClientException;
import software.amazon.awssdk.core.exception.SdkException;

/// What a server's answers mean, in our terms. The codes are those of "Error Responses" in the S3 API reference.
final class S3Errors {
    private static final int BAD_REQUEST = 400;
    private static final int REDIRECT = 301;
    private static final int FORBIDDEN = 403;
    private static final int NOT_FOUND = 404;
    private static final int METHOD_NOT_ALLOWED = 405;
    private static final int CONFLICT = 409;
    private static final int PRECONDITION_FAILED = 412;
    private static final int BAD_RANGE = 416;
    private static final int TOO_MANY = 429;
    private static final int SERVER_ERROR = 500;
    private static final int NOT_IMPLEMENTED = 501;
    private static final int UNAVAILABLE = 503;
    private static final int NO_STORAGE = 507;

    private static final Set<String> PASSING =
            Set.of(
                    "RequestTimeout",
                    "RequestTimeoutException",
                    "InternalError",
                    "OperationAborted",
                    "ConditionalRequestConflict",
                    "ServiceUnavailable",
                    "BadDigest",
                    "IncompleteBody");
    private static final Set<String> THROTTLING =
            Set.of(
                    "SlowDown",
                    "Throttling",
                    "ThrottlingException",
                    "TooManyRequests",
                    "RequestLimitExceeded",
                    "BandwidthLimitExceeded");
    private static final Set<String> BAD_CREDENTIALS =
            Set.of(
                    "InvalidAccessKeyId",
                    "SignatureDoesNotMatch",
                    "InvalidToken",
                    "ExpiredToken",
                    "InvalidSecurity");
    private static final Set<String> WRONG_REGION =
            Set.of(
                    "PermanentRedirect",
                    "AuthorizationHeaderMalformed",
                    "IllegalLocationConstraintException");
    private static final Set<String> FULL =
            Set.of(
                    "QuotaExceeded",
                    "InsufficientStorage",
                    "XMinioStorageFull",
                    "InsufficientCapacity");

    private final String store;
    private final int attempts;

    S3Errors(String store, int attempts) {
        this.store = store;
        this.attempts = attempts;
    }

    static boolean isMissing(AwsServiceException e) {
        return e.statusCode() == NOT_FOUND && !code(e).equals("NoSuchBucket");
    }

    static boolean isTaken(AwsServiceException e) {
        return e.statusCode() == PRECONDITION_FAILED;
    }

    static boolean isBadRange(AwsServiceException e) {
        return e.statusCode() == BAD_RANGE;
    }

    static boolean isForbidden(AwsServiceException e) {
        return e.statusCode() == FORBIDDEN;
    }

    /// The server does not know this kind of request, or not for this bucket.
    static boolean isUnknownRequest(AwsServiceException e) {
        return e.statusCode() == NOT_IMPLEMENTED
                || e.statusCode() == METHOD_NOT_ALLOWED
                || (e.statusCode() == BAD_REQUEST
                        && Set.of(
                                        "NotImplemented",
                                        "InvalidRequest",
                                        "InvalidArgument",
                                        "MethodNotAllowed",
                                        "MalformedXML")
                                .contains(code(e)));
    }

    static String code(AwsServiceException e) {
        String code = e.awsErrorDetails() == null ? null : e.awsErrorDetails().errorCode();
        return code == null ? "" : code;
    }

    private static Optional<String> header(AwsServiceException e, String name) {
        return e.awsErrorDetails() == null || e.awsErrorDetails().sdkHttpResponse() == null
                ? Optional.empty()
                : e.awsErrorDetails().sdkHttpResponse().firstMatchingHeader(name);
    }

    static Verdict judge(RuntimeException thrown) {
        if (thrown instanceof AwsServiceException e) {
            return judgeAnswer(e);
        }
        boolean passes =
                cause(thrown, VaultException.class) == null
                        && thrown instanceof SdkException
                        && !(thrown instanceof AbortedException)
                        && cause(thrown, IOException.class) != null;
        return passes ? new Verdict.Passing(false, null) : new Verdict.Final();
    }

    private static Verdict judgeAnswer(AwsServiceException e) {
        boolean isThrottled =
                e.statusCode() == TOO_MANY
                        || e.statusCode() == UNAVAILABLE
                        || THROTTLING.contains(code(e));
        // A clock that is wrong is corrected by the client for the next request.
        boolean passes =
                isThrottled
                        || (e.statusCode() >= SERVER_ERROR
                                && e.statusCode() != NOT_IMPLEMENTED
                                && e.statusCode() != NO_STORAGE)
                        || (e.statusCode() == CONFLICT && !code(e).startsWith("Bucket"))
                        || code(e).equals("RequestTimeTooSkewed")
                        || PASSING.contains(code(e));
        return passes
                ? new Verdict.Passing(
                        isThrottled,
                        header(e, "retry-after").flatMap(S3Errors::seconds).orElse(null))
                : new Verdict.Final();
    }

    /// The other form, a date, is not used by any server known to us.
    private static Optional<Duration> seconds(String text) {
        return text.matches("\\d{1,6}")
                ? Optional.of(Duration.ofSeconds(Long.parseLong(text)))
                : Optional.empty();
    }

    private static <T extends Throwable> @Nullable T cause(Throwable thrown, Class<T> type) {
        for (Throwable at = thrown; at != null; at = at.getCause()) {
            if (type.isInstance(at)) {
                return type.cast(at);
            }
        }
        return null;
    }

    /// The error to throw for what a request failed with in the end.
    ///
    /// @param verb what was to be done, in a word
    /// @param what to which object
    RuntimeException translate(RuntimeException thrown, String verb, Object what) {
        // The client wraps what is thrown while an answer's content is read.
        VaultException own = cause(thrown, VaultException.class);
        if (own != null) {
            return own;
        }
        return switch (thrown) {
            case AbortedException _ -> new CancelledException();
            case AwsServiceException e -> answer(e, verb, what);
            case SdkException e -> noAnswer(e, verb, what);
            default -> thrown;
        };
    }

    private VaultException answer(AwsServiceException e, String verb, Object what) {
        String code = code(e);
        String text = text(e);
        if (code.equals("NoSuchBucket")) {
            return error(Kind.DENIED, "stores.no-bucket", e, store);
        }
        if (BAD_CREDENTIALS.contains(code)) {
            return error(Kind.DENIED, "stores.bad-credentials", e, store, text);
        }
        if (WRONG_REGION.contains(code) || e.statusCode() == REDIRECT) {
            return error(
                    Kind.DENIED,
                    "stores.wrong-region",
                    e,
                    store,
                    header(e, "x-amz-bucket-region").orElse("?"),
                    text);
        }
        if (code.equals("RequestTimeTooSkewed")) {
            return error(Kind.DENIED, "stores.wrong-clock", e, store, text);
        }
        if (FULL.contains(code) || e.statusCode() == NO_STORAGE) {
            return new VaultException(Kind.STORE_FULL, "vault.store-full", e, store);
        }
        if (e.statusCode() == FORBIDDEN) {
            return error(Kind.DENIED, "stores.denied", e, store, verb, what, text);
        }
        if (judge(e) instanceof Verdict.Passing) {
            return error(
                    Kind.STORE,
                    "stores.gave-up",
                    e,
                    store,
                    verb,
                    what,
                    Integer.toString(attempts),
                    text);
        }
        return new VaultException(Kind.STORE, "vault.store-failed", e, store, verb, what, text);
    }

    private VaultException noAnswer(SdkException e, String verb, Object what) {
        String message = String.valueOf(e.getMessage());
        if (e instanceof SdkClientException && message.contains("credentials")) {
            return error(
                    Kind.DENIED,
                    "stores.no-credentials",
                    e,
                    store,
                    S3Access.ACCESS_KEY,
                    S3Access.SECRET_KEY);
        }
        UnknownHostException host = cause(e, UnknownHostException.class);
        if (host != null) {
            return error(
                    Kind.STORE, "stores.unknown-host", e, store, String.valueOf(host.getMessage()));
        }
        IOException io = cause(e, IOException.class);
        if (io != null) {
            Text reason = Reason.of(io);
            return error(
                    Kind.STORE,
                    "stores.gave-up",
                    e,
                    store,
                    verb,
                    what,
                    Integer.toString(attempts),
                    reason);
        }
        return new VaultException(Kind.STORE, "vault.store-failed", e, store, verb, what, message);
    }

    private static String text(AwsServiceException e) {
        String message = e.awsErrorDetails() == null ? null : e.awsErrorDetails().errorMessage();
        String words = (code(e) + " " + (message == null ? "" : message)).strip();
        return String.format(Locale.ROOT, "%d %s", e.statusCode(), words).strip();
    }

    static VaultException error(
            Kind kind, String code, @Nullable Throwable cause, Object... arguments) {
        return new VaultException(Meter.class, kind, code, cause, arguments);
    }
}
