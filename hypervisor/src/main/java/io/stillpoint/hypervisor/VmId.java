package io.stillpoint.hypervisor;

import io.stillpoint.platform.Sha256;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.Locale;
import java.util.regex.Pattern;

/// Names a VM on its host, and stays the same as long as the VM does: its uuid if it has one; else made of the host's id
/// and of what the provider knows it by. Printable and fit for file names.
///
/// Not the name of its recovery points: that is what an operator calls it, and may be shared by no two machines
/// ([VmIdentity]).
///
/// @param text 1 to 64 characters of `a-z`, `0-9` and `-`
public record VmId(String text) implements Comparable<VmId> {
    private static final Pattern TEXT = Pattern.compile("[a-z0-9-]{1,64}");
    private static final int DERIVED_BYTES = 16;

    public VmId {
        if (!TEXT.matcher(text).matches()) {
            throw new IllegalArgumentException("not the id of a VM: " + text);
        }
    }

    /// The uuid if there is one, else derived.
    ///
    /// @param identity which machine it is, as the hypervisor tells
    /// @param knownBy what the provider knows it by, unique among its VMs of this host, the same at every start
    public static VmId of(VmIdentity identity, String... knownBy) {
        return identity.uuid().matches("[0-9a-f-]{36}")
                ? new VmId(identity.uuid())
                : derived(identity.host(), knownBy);
    }

    /// Of a VM without a uuid: `vm-` and 32 hexadecimal digits.
    private static VmId derived(String host, String... knownBy) {
        MessageDigest digest = Sha256.digest();
        digest.update(host.getBytes(StandardCharsets.UTF_8));
        for (String each : knownBy) {
            // Between texts stands a byte that no text has.
            digest.update((byte) 0xff);
            digest.update(each.getBytes(StandardCharsets.UTF_8));
        }
        return new VmId(
                "vm-"
                        + HexFormat.of()
                                .formatHex(digest.digest(), 0, DERIVED_BYTES)
                                .toLowerCase(Locale.ROOT));
    }

    @Override
    public int compareTo(VmId other) {
        return text.compareTo(other.text);
    }

    @Override
    public String toString() {
        return text;
    }
}
