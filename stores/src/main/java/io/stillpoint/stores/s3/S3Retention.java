package io.stillpoint.stores.s3;

import io.stillpoint.stores.request.RequestClass;
import io.stillpoint.vault.store.ObjectName;
import io.stillpoint.vault.store.VaultException;
import io.stillpoint.vault.store.VaultException.Kind;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import software.amazon.awssdk.awscore.exception.AwsServiceException;
import software.amazon.awssdk.services.s3.model.ObjectLockRetention;
import software.amazon.awssdk.services.s3.model.ObjectLockRetentionMode;

/// Object lock: how long the server itself keeps objects from being deleted.
final class S3Retention {
    private final S3Requests requests;
    private final ObjectLockRetentionMode mode;

    S3Retention(S3Requests requests, S3Settings.LockMode mode) {
        this.requests = requests;
        this.mode =
                switch (mode) {
                    case COMPLIANCE -> ObjectLockRetentionMode.COMPLIANCE;
                    case GOVERNANCE -> ObjectLockRetentionMode.GOVERNANCE;
                };
    }

    /// Extends the retention of an object; never shortens it.
    void extend(ObjectName name, Instant until) {
        Instant whole = wholeSeconds(until);
        Optional<Instant> present = until(name, null);
        if (present.isPresent() && !present.get().isBefore(whole)) {
            return;
        }
        requests.call(
                RequestClass.PUT,
                "lock",
                name,
                (client, _) -> {
                    try {
                        return client.putObjectRetention(put ->
                                put.bucket(requests.bucket())
                                        .key(requests.key(name))
                                        .retention(lock -> lock.mode(mode).retainUntilDate(whole)));
                    } catch (AwsServiceException e) {
                        throw unsupported(name, e);
                    }
                });
    }

    /// The protocol knows no parts of a second: rounded up, so that the object is kept at least as long as asked for.
    private static Instant wholeSeconds(Instant until) {
        Instant floor = until.truncatedTo(ChronoUnit.SECONDS);
        return floor.equals(until) ? floor : floor.plusSeconds(1);
    }

    /// Until when an object, or a version of it, is retained. Throws kind `UNSUPPORTED`.
    Optional<Instant> until(ObjectName name, @Nullable String version) {
        return requests.call(
                RequestClass.GET,
                "ask for the lock of",
                name,
                (client, _) -> {
                    try {
                        ObjectLockRetention found =
                                client.getObjectRetention(get ->
                                                get.bucket(requests.bucket())
                                                        .key(requests.key(name))
                                                        .versionId(version))
                                        .retention();
                        return Optional.ofNullable(found).map(ObjectLockRetention::retainUntilDate);
                    } catch (AwsServiceException e) {
                        // No lock; whether there is no object either, servers tell in different
                        // words.
                        if (S3Errors.isMissing(e)) {
                            return Optional.empty();
                        }
                        throw unsupported(name, e);
                    }
                });
    }

    private RuntimeException unsupported(ObjectName name, AwsServiceException e) {
        if (S3Errors.isMissing(e)) {
            return new VaultException(Kind.MISSING, "vault.missing", e, requests.place(name));
        }
        return S3Errors.isUnknownRequest(e)
                ? S3Errors.error(Kind.UNSUPPORTED, "stores.no-lock", e, "s3://" + requests.bucket())
                : e;
    }

    /// What it means that a server forbids a deletion: kind `RETAINED` if the object is locked, else a lack of rights.
    RuntimeException refused(ObjectName name, String version, RuntimeException refusal) {
        Optional<Instant> until;
        boolean isHeld;
        try {
            until = until(name, version);
            isHeld = until.isEmpty() && isHeld(name, version);
        } catch (VaultException e) {
            return refusal;
        }
        if (until.isEmpty() && !isHeld) {
            return refusal;
        }
        return S3Errors.error(
                Kind.RETAINED,
                "stores.retained",
                refusal,
                requests.place(name),
                until.map(Instant::toString).orElse("its legal hold ends"));
    }

    private boolean isHeld(ObjectName name, String version) {
        return requests.call(
                RequestClass.GET,
                "ask for the lock of",
                name,
                (client, _) -> {
                    try {
                        return "ON"
                                .equals(
                                        client.getObjectLegalHold(get ->
                                                        get.bucket(requests.bucket())
                                                                .key(requests.key(name))
                                                                .versionId(version))
                                                .legalHold()
                                                .statusAsString());
                    } catch (AwsServiceException e) {
                        if (S3Errors.isMissing(e) || S3Errors.isUnknownRequest(e)) {
                            return false;
                        }
                        throw e;
                    }
                });
    }
}
