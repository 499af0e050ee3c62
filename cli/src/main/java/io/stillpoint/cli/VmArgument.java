package io.stillpoint.cli;

import picocli.CommandLine.Parameters;

/// Which of the VMs that the service knows a command is about.
final class VmArgument {
    @Parameters(index = "0", paramLabel = "VM", descriptionKey = "option.vm-known")
    private String name = "";

    String name() {
        return name;
    }
}
