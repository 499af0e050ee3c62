package io.stillpoint.guest.extension;

import io.stillpoint.guest.extension.Manifest.PackageFile;
import io.stillpoint.guest.extension.Manifest.Prerequisite;
import io.stillpoint.guest.extension.Prerequisites.Supplied;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;

/// Makes packages from what the build carries and what the operator supplies, signed by the installation. The same parts
/// give the same bytes.
public final class ExtensionPackages {
    private static final String PUBLISHER = "Stillpoint";

    /// Seconds, as for extensions of Azure (`docs/extensions.md`).
    private static final Map<String, Integer> VERBS =
            Map.of(
                    "install",
                    900,
                    "enable",
                    300,
                    "disable",
                    900,
                    "update",
                    900,
                    "uninstall",
                    300,
                    "health",
                    60,
                    "verify",
                    60);

    private final Payloads payloads;
    private final Prerequisites prerequisites;
    private final Supplier<PackageSigner> signer;

    /// @param signer gives the installation's key, or throws why it can't be had
    public ExtensionPackages(
            Payloads payloads, Prerequisites prerequisites, Supplier<PackageSigner> signer) {
        this.payloads = payloads;
        this.prerequisites = prerequisites;
        this.signer = signer;
    }

    PackageSigner signer() {
        return signer.get();
    }

    /// The package for a guest. Throws `extension.no-payload` if this build has none, or what is wrong with a file of the
    /// operator's.
    ExtensionPackage of(ExtensionType type, GuestSystem system) {
        Map<String, byte[]> files = new HashMap<>();
        List<PackageFile> listed = new ArrayList<>();
        byte[] executable = payloads.executable(type, system);
        files.put(type.executable(), executable);
        listed.add(Prerequisites.file(type.executable(), executable));
        List<Prerequisite> needs = new ArrayList<>();
        for (Supplied supplied : prerequisites.of(type)) {
            needs.add(supplied.prerequisite());
            supplied.prerequisite().file().ifPresent(listed::add);
            supplied.prerequisite()
                    .file()
                    .ifPresent(file -> files.put(file.path(), supplied.content().orElseThrow()));
        }
        Manifest manifest =
                new Manifest(
                        type,
                        PUBLISHER,
                        payloads.version(type, system),
                        type.os().id(),
                        system.architecture(),
                        type.executable(),
                        listed,
                        VERBS,
                        needs);
        byte[] bytes = manifest.json();
        return new ExtensionPackage(manifest, bytes, signer().sign(bytes), files);
    }
}
