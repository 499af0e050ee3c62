package io.stillpoint.guest.extension;

import java.util.Map;

/// A package that is ready to be sent: the manifest, as it was signed, and the files it names.
record ExtensionPackage(
        Manifest manifest, byte[] manifestBytes, byte[] signature, Map<String, byte[]> files) {
    ExtensionPackage {
        files = Map.copyOf(files);
    }

    byte[] executable() {
        return files.getOrDefault(manifest.executable(), new byte[0]);
    }
}
