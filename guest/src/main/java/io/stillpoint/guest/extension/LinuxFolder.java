package io.stillpoint.guest.extension;

import io.stillpoint.guest.ExecResult;
import io.stillpoint.guest.GuestAgent;
import io.stillpoint.guest.GuestException;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/// On Linux a script does it, `package-folder.sh` beside this class, which is fed to the guest's shell.
record LinuxFolder(String path) implements GuestFolder {
    @Override
    public String path(String... names) {
        return path + "/" + String.join("/", names);
    }

    @Override
    public void prepare(GuestAgent agent, String version, String executable) {
        run(agent, "prepare", version, executable);
    }

    @Override
    public void accept(GuestAgent agent, String version) {
        run(agent, "accept", version);
    }

    @Override
    public void clean(GuestAgent agent) {
        run(agent, "clean");
    }

    @Override
    public void remove(GuestAgent agent) {
        run(agent, "remove");
    }

    private void run(GuestAgent agent, String step, String... arguments) {
        List<String> command = new ArrayList<>(List.of("/bin/sh", "-s", step, path));
        command.addAll(List.of(arguments));
        ExecResult result;
        try {
            result = agent.exec(command, script(), COMMAND_MAX);
        } catch (GuestException e) {
            throw Obstacle.of(path, e);
        }
        if (result.exitCode() != 0) {
            throw Obstacle.of(path, new String(result.err(), StandardCharsets.UTF_8));
        }
    }

    private static byte[] script() {
        String name = "package-folder.sh";
        try (InputStream in = LinuxFolder.class.getResourceAsStream(name)) {
            if (in == null) {
                throw new IllegalStateException(name + " is not in the jar");
            }
            return in.readAllBytes();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
