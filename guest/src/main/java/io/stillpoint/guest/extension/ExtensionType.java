package io.stillpoint.guest.extension;

import io.stillpoint.guest.extension.ExtensionException.Kind;
import java.util.Arrays;
import java.util.Optional;

/// The extensions that there are, one for each kind of guest.
public enum ExtensionType {
    VM_SNAPSHOT_LINUX("VMSnapshotLinux", GuestSystem.Os.LINUX, "vmsnapshot"),
    VM_SNAPSHOT("VMSnapshot", GuestSystem.Os.WINDOWS, "IaaSVmProvider.exe");

    private final String id;
    private final GuestSystem.Os os;
    private final String executable;

    ExtensionType(String id, GuestSystem.Os os, String executable) {
        this.id = id;
        this.os = os;
        this.executable = executable;
    }

    /// Its name in manifests, folders and records.
    public String id() {
        return id;
    }

    /// The system that it runs on.
    public GuestSystem.Os os() {
        return os;
    }

    String executable() {
        return executable;
    }

    static Optional<ExtensionType> byId(String id) {
        return Arrays.stream(values()).filter(type -> type.id.equals(id)).findFirst();
    }

    /// Throws `extension.unknown-system` if there is none for such a guest.
    static ExtensionType of(GuestSystem system) {
        return Arrays.stream(values())
                .filter(type -> type.os == system.os())
                .findFirst()
                .orElseThrow(() ->
                        new ExtensionException(
                                Kind.BUILD, "extension.unknown-system", null, system.toString()));
    }
}
