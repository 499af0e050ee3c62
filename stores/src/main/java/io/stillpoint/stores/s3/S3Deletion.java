package io.stillpoint.stores.s3;

import io.stillpoint.stores.request.RequestClass;
import io.stillpoint.vault.store.ObjectName;
import io.stillpoint.vault.store.VaultException;
import io.stillpoint.vault.store.VaultException.Kind;
import java.util.List;
import org.jspecify.annotations.Nullable;
import software.amazon.awssdk.awscore.exception.AwsServiceException;
import software.amazon.awssdk.services.s3.model.BucketVersioningStatus;
import software.amazon.awssdk.services.s3.model.DeleteMarkerEntry;
import software.amazon.awssdk.services.s3.model.ListObjectVersionsResponse;
import software.amazon.awssdk.services.s3.model.ObjectVersion;

/// Deletes objects so that their bytes go. In a bucket that keeps versions, a plain deletion only hides an object
/// behind a delete marker, and is never refused; there, the versions themselves are deleted.
final class S3Deletion {
    private final S3Requests requests;
    private final S3Retention retention;
    private @Nullable Boolean keepsVersions;

    S3Deletion(S3Requests requests, S3Retention retention) {
        this.requests = requests;
        this.retention = retention;
    }

    /// Deletes all versions of an object. Throws kind `RETAINED` if the server must keep one; that one stays visible
    /// if it was.
    void delete(ObjectName name) {
        if (!keepsVersions()) {
            deletePlainly(name);
            return;
        }
        // Delete markers last, since what they hide must not reappear.
        for (String version : versions(name)) {
            delete(name, version);
        }
        for (String marker : ids(name, true)) {
            delete(name, marker);
        }
    }

    private void deletePlainly(ObjectName name) {
        requests.call(
                RequestClass.DELETE,
                "delete",
                name,
                (client, _) -> {
                    try {
                        client.deleteObject(
                                gone -> gone.bucket(requests.bucket()).key(requests.key(name)));
                    } catch (AwsServiceException e) {
                        if (!S3Errors.isMissing(e)) {
                            throw e;
                        }
                    }
                    return true;
                });
    }

    /// Deletes one version. Throws kind `RETAINED` if the server must keep it.
    void delete(ObjectName name, String version) {
        try {
            requests.call(
                    RequestClass.DELETE,
                    "delete",
                    name,
                    (client, _) ->
                            client.deleteObject(gone ->
                                    gone.bucket(requests.bucket())
                                            .key(requests.key(name))
                                            .versionId(version)));
        } catch (VaultException e) {
            throw e.kind() == Kind.DENIED ? retention.refused(name, version, e) : e;
        }
    }

    /// Whether an object that is not visible is still there, behind a delete marker that is not ours.
    boolean isHidden(ObjectName name) {
        try {
            return keepsVersions() && !versions(name).isEmpty();
        } catch (VaultException e) {
            // Who may not ask will not know.
            return false;
        }
    }

    /// The ids of all versions of an object, the newest first.
    List<String> versions(ObjectName name) {
        return ids(name, false);
    }

    private List<String> ids(ObjectName name, boolean ofMarkers) {
        String key = requests.key(name);
        ListObjectVersionsResponse found =
                requests.call(
                        RequestClass.PUT,
                        "list the versions of",
                        name,
                        (client, _) ->
                                client.listObjectVersions(
                                        list -> list.bucket(requests.bucket()).prefix(key)));
        return ofMarkers
                ? found.deleteMarkers().stream()
                        .filter(marker -> marker.key().equals(key))
                        .map(DeleteMarkerEntry::versionId)
                        .toList()
                : found.versions().stream()
                        .filter(version -> version.key().equals(key))
                        .map(ObjectVersion::versionId)
                        .toList();
    }

    /// A server that can't tell is one without versions.
    private synchronized boolean keepsVersions() {
        if (keepsVersions == null) {
            keepsVersions =
                    requests.call(
                            RequestClass.GET,
                            "ask for the versioning of",
                            requests.bucket(),
                            (client, _) -> {
                                try {
                                    BucketVersioningStatus status =
                                            client.getBucketVersioning(
                                                            get -> get.bucket(requests.bucket()))
                                                    .status();
                                    return status != null;
                                } catch (AwsServiceException e) {
                                    if (S3Errors.isUnknownRequest(e)) {
                                        return false;
                                    }
                                    throw e;
                                }
                            });
        }
        return keepsVersions;
    }
}
