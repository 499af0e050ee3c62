package io.stillpoint.stores.azure;

import com.azure.core.http.HttpHeaderName;
import com.azure.storage.blob.models.BlobStorageException;
import io.stillpoint.platform.CancelledException;
import io.stillpoint.platform.disk.Reason;
import io.stillpoint.stores.request.Meter;
import io.stillpoint.stores.request.Retries.Verdict;
import io.stillpoint.vault.store.VaultException;
import io.stillpoint.vault.store.VaultException.Kind;
import java.io.IOException;
import java.net.UnknownHostException;
import java.nio.channels.UnresolvedAddressException;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/// What the server's answers mean, in our terms. The codes are those of "Blob service error codes" in Azure's reference.
final class AzureErrors {
    private static final int BAD_REQUEST = 400;
    private static final int FORBIDDEN = 403;
    private static final int NOT_FOUND = 404;
    private static final int TIMEOUT = 408;
    private static final int CONFLICT = 409;
    private static final int PRECONDITION_FAILED = 412;
    private static final int BAD_RANGE = 416;
    private static final int TOO_MANY = 429;
    private static final int SERVER_ERROR = 500;
    private static final int NOT_IMPLEMENTED = 501;
    private static final int UNAVAILABLE = 503;
    private static final Set<String> NO_CONTAINER =
            Set.of("ContainerNotFound", "ContainerBeingDeleted", "ResourceNotFound");

    private final String store;
    private final int attempts;

    AzureErrors(String store, int attempts) {
        this.store = store;
        this.attempts = attempts;
    }

    static String code(BlobStorageException e) {
        return e.getErrorCode() == null ? "" : e.getErrorCode().toString();
    }

    static boolean isMissing(BlobStorageException e) {
        return e.getStatusCode() == NOT_FOUND && !NO_CONTAINER.contains(code(e));
    }

    static boolean isTaken(BlobStorageException e) {
        return e.getStatusCode() == PRECONDITION_FAILED || code(e).equals("BlobAlreadyExists");
    }

    static boolean isBadRange(BlobStorageException e) {
        return e.getStatusCode() == BAD_RANGE;
    }

    static boolean isImmutable(BlobStorageException e) {
        return code(e).startsWith("BlobImmutable");
    }

    static boolean isUnknownRequest(BlobStorageException e) {
        return e.getStatusCode() == NOT_IMPLEMENTED
                || e.getStatusCode() == BAD_REQUEST
                || (e.getStatusCode() == CONFLICT && !isImmutable(e));
    }

    static Verdict judge(RuntimeException thrown) {
        if (thrown instanceof VaultException) {
            return new Verdict.Final();
        }
        BlobStorageException e = cause(thrown, BlobStorageException.class);
        if (e == null) {
            boolean passes =
                    cause(thrown, IOException.class) != null
                            || cause(thrown, TimeoutException.class) != null
                            || cause(thrown, UnresolvedAddressException.class) != null;
            return passes ? new Verdict.Passing(false, null) : new Verdict.Final();
        }
        int status = e.getStatusCode();
        boolean isThrottled = status == TOO_MANY || status == UNAVAILABLE;
        boolean passes =
                isThrottled
                        || status == TIMEOUT
                        || (status >= SERVER_ERROR && status != NOT_IMPLEMENTED);
        return passes ? new Verdict.Passing(isThrottled, after(e)) : new Verdict.Final();
    }

    private static @Nullable Duration after(BlobStorageException e) {
        String text =
                e.getResponse() == null
                        ? null
                        : e.getResponse().getHeaderValue(HttpHeaderName.RETRY_AFTER);
        return text != null && text.matches("\\d{1,6}")
                ? Duration.ofSeconds(Long.parseLong(text))
                : null;
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
        if (cause(thrown, InterruptedException.class) != null) {
            Thread.currentThread().interrupt();
            return new CancelledException();
        }
        if (thrown instanceof VaultException) {
            return thrown;
        }
        BlobStorageException e = cause(thrown, BlobStorageException.class);
        if (e != null) {
            return answer(e, verb, what);
        }
        if (cause(thrown, UnknownHostException.class) != null
                || cause(thrown, UnresolvedAddressException.class) != null) {
            return error(
                    Kind.STORE, "stores.unknown-host", thrown, store, "the server of the account");
        }
        if (judge(thrown) instanceof Verdict.Passing) {
            IOException io = cause(thrown, IOException.class);
            return gaveUp(thrown, verb, what, Reason.of(io == null ? thrown : io));
        }
        return thrown;
    }

    private VaultException answer(BlobStorageException e, String verb, Object what) {
        String text = e.getStatusCode() + " " + code(e);
        if (NO_CONTAINER.contains(code(e))) {
            return error(Kind.DENIED, "stores.no-bucket", e, store);
        }
        if (Set.of("AuthenticationFailed", "InvalidAuthenticationInfo").contains(code(e))) {
            return error(Kind.DENIED, "stores.bad-credentials", e, store, text);
        }
        if (e.getStatusCode() == FORBIDDEN) {
            return error(Kind.DENIED, "stores.denied", e, store, verb, what, text);
        }
        if (judge(e) instanceof Verdict.Passing) {
            return gaveUp(e, verb, what, text);
        }
        return new VaultException(Kind.STORE, "vault.store-failed", e, store, verb, what, text);
    }

    private VaultException gaveUp(Throwable e, String verb, Object what, Object text) {
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

    static VaultException noCredentials(String account) {
        return error(
                Kind.DENIED,
                "stores.no-azure-credentials",
                null,
                account,
                AzureAccess.KEY,
                AzureAccess.SIGNATURE);
    }

    static VaultException error(
            Kind kind, String code, @Nullable Throwable cause, Object... arguments) {
        return new VaultException(Meter.class, kind, code, cause, arguments);
    }
}
