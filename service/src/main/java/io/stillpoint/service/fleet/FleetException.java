package io.stillpoint.service.fleet;

import io.stillpoint.platform.FailureKind;
import io.stillpoint.platform.StillpointException;
import io.stillpoint.platform.setting.SettingTree;
import java.util.Collection;
import java.util.List;

/// A VM or a policy is not what somebody takes it for.
public final class FleetException extends StillpointException {
    private static final long serialVersionUID = 1L;

    /// There is one only.
    public enum Kind implements FailureKind {
        WRONG;

        @Override
        public boolean retryable() {
            return false;
        }

        @Override
        public Blame blame() {
            return Blame.USER;
        }
    }

    private FleetException(String code, Object... arguments) {
        super(FleetException.class, Kind.WRONG, code, null, List.of(arguments));
    }

    static FleetException noVm(String name, Collection<String> known) {
        return SettingTree.nearest(
                        name, known.stream().map(each -> each.replaceFirst("^[^/]*/", "")).toList())
                .map(near -> new FleetException("fleet.no-vm-near", name, near))
                .orElseGet(() -> new FleetException("fleet.no-vm", name));
    }

    static FleetException manyVms(String name, Collection<String> meant) {
        return new FleetException("fleet.many-vms", name, String.join(", ", meant));
    }

    /// There is no policy of this name.
    public static FleetException noPolicy(String name, Collection<String> known) {
        return SettingTree.nearest(name, known)
                .map(near -> new FleetException("fleet.no-policy-near", name, near))
                .orElseGet(() ->
                        new FleetException("fleet.no-policy", name, String.join(", ", known)));
    }

    /// A policy names a vault that there is not.
    public static FleetException noVault(String policy, String vault, Collection<String> known) {
        return SettingTree.nearest(vault, known)
                .map(near -> new FleetException("fleet.no-vault-near", policy, vault, near))
                .orElseGet(() ->
                        new FleetException(
                                "fleet.no-vault", policy, vault, String.join(", ", known)));
    }

    /// VMs would not be backed up any more.
    public static FleetException wouldEnd(Collection<String> vms) {
        return new FleetException("fleet.would-end", vms.size(), String.join(", ", vms));
    }

    /// Points would be forgotten.
    public static FleetException wouldForget(String vm, int points) {
        return new FleetException("fleet.would-forget", vm, points);
    }

    static FleetException otherVault(String vm, String vault, String policy, String wanted) {
        return new FleetException("fleet.other-vault", vm, vault, policy, wanted);
    }

    /// A VM has no policy.
    public static FleetException unprotected(String vm) {
        return new FleetException("fleet.unprotected", vm);
    }
}
