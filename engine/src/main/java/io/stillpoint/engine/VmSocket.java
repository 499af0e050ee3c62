package io.stillpoint.engine;

import io.stillpoint.guest.AgentChannel;
import io.stillpoint.guest.AgentSocket;
import io.stillpoint.guest.AgentTransport;
import io.stillpoint.guest.GuestException;
import io.stillpoint.hypervisor.VirtualMachine;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/// A unix socket that leads to the agent of one VM: each connection is checked by the VM's hypervisor, before anything
/// is sent. Freezing another VM's guest would do harm there, and no good here.
///
/// @param vm is opened for it
public record VmSocket(JobVm vm, Path path) implements AgentTransport {
    @Override
    public AgentChannel open() {
        Optional<VirtualMachine.Channel> device = vm.open().channel(path);
        if (device.isEmpty() && Files.exists(path)) {
            throw GuestException.otherChannel(path);
        }
        AgentChannel channel = new AgentSocket(path).open();
        boolean isRight = false;
        try {
            isRight = device.filter(VirtualMachine.Channel::isConnected).isPresent();
        } finally {
            if (!isRight) {
                channel.close();
            }
        }
        if (!isRight) {
            throw GuestException.leadsElsewhere(path);
        }
        return channel;
    }

    @Override
    public String description() {
        return path.toString();
    }
}
