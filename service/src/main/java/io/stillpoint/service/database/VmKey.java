package io.stillpoint.service.database;

import io.stillpoint.hypervisor.VmId;

/// Names a VM of the fleet: two hosts may have VMs of one id, such as copies.
///
/// @param host its name in the configuration
public record VmKey(String host, VmId id) {
    @Override
    public String toString() {
        return host + "/" + id;
    }
}
