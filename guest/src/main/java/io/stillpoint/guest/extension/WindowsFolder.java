package io.stillpoint.guest.extension;

import io.stillpoint.guest.ExecResult;
import io.stillpoint.guest.GuestAgent;
import io.stillpoint.guest.GuestException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/// On Windows the commands of `cmd.exe` do it. No path here has a blank or another character that `cmd.exe` or the agent
/// would have to quote.
record WindowsFolder(String path) implements GuestFolder {
    /// Well-known security identifiers, which are the same in every language: SYSTEM and Administrators.
    private static final String SYSTEM = "*S-1-5-18";

    private static final String ADMINISTRATORS = "*S-1-5-32-544";
    private static final String USERS = "*S-1-5-32-545";

    @Override
    public String path(String... names) {
        return path + "\\" + String.join("\\", names);
    }

    @Override
    public void prepare(GuestAgent agent, String version, String executable) {
        // Every user may make folders in C:\, so that one could have made these first, to put an
        // executable of his in the place
        // of ours later: from the top down they are taken over.
        List<String> above = folders();
        for (String folder : above) {
            ensure(agent, folder);
            requireNoLink(agent, folder);
            boolean isOurs = folder.equals(path);
            // Of the folder itself (/L), whatever it has been made into since.
            run(agent, "icacls.exe", folder, "/setowner", ADMINISTRATORS, "/l", "/q");
            run(agent, "icacls.exe", folder, "/reset", "/l", "/q");
            List<String> rights =
                    new ArrayList<>(List.of("icacls.exe", folder, "/inheritance:r", "/grant:r"));
            rights.add(SYSTEM + ":(OI)(CI)F");
            rights.add(ADMINISTRATORS + ":(OI)(CI)F");
            if (!isOurs) {
                rights.add(USERS + ":(OI)(CI)RX");
            }
            rights.add("/l");
            rights.add("/q");
            run(agent, rights);
            // From here on nobody else can make a link of it.
            requireNoLink(agent, folder);
        }
        clean(agent);
        ensure(agent, path(version + PART));
    }

    /// The folders above and this one, from the top down, without the drive.
    private List<String> folders() {
        List<String> folders = new ArrayList<>();
        for (int at = path.indexOf('\\', 3); at >= 0; at = path.indexOf('\\', at + 1)) {
            folders.add(path.substring(0, at));
        }
        folders.add(path);
        return folders;
    }

    /// A junction, or another reparse point, leads to a place of its maker's choice. Its attributes are those of itself:
    /// `d--------l-` and the like; `l` stands for nothing else (help of `for`).
    private void requireNoLink(GuestAgent agent, String folder) {
        ExecResult result =
                command(agent, "for", "%i", "in", "(" + folder + ")", "do", "@echo", "%~ai");
        String attributes = new String(result.out(), StandardCharsets.US_ASCII).strip();
        if (!attributes.startsWith("d") || attributes.contains("l")) {
            throw new ExtensionException(
                    ExtensionException.Kind.GUEST, "extension.link", null, folder, attributes);
        }
    }

    private void ensure(GuestAgent agent, String folder) {
        command(agent, "if", "not", "exist", folder + "\\", "mkdir", folder);
    }

    @Override
    public void accept(GuestAgent agent, String version) {
        String old = path(version);
        // The same version again: its service holds the executable. It is not always ours to run,
        // so
        // Windows stops it; that it does not run is no failure.
        command(
                agent,
                "if",
                "exist",
                old + "\\",
                "net",
                "stop",
                "IaaSVmProvider",
                "&",
                "exit",
                "/b",
                "0");
        command(agent, "if", "exist", old + "\\", "rmdir", "/s", "/q", old);
        // rmdir says nothing when a file is in use; moving into what is left of a folder would hide
        // it.
        command(agent, "if", "exist", old + "\\", "exit", "/b", "1");
        command(agent, "move", "/y", path(version + PART), old);
    }

    @Override
    public void clean(GuestAgent agent) {
        command(
                agent,
                "for",
                "/d",
                "%i",
                "in",
                "(" + path("*" + PART) + ")",
                "do",
                "rmdir",
                "/s",
                "/q",
                "%i");
    }

    @Override
    public void remove(GuestAgent agent) {
        command(agent, "if", "exist", path + "\\", "rmdir", "/s", "/q", path);
    }

    private ExecResult command(GuestAgent agent, String... words) {
        List<String> command = new ArrayList<>(List.of("cmd.exe", "/d", "/c"));
        command.addAll(List.of(words));
        return run(agent, command);
    }

    private void run(GuestAgent agent, String... command) {
        run(agent, List.of(command));
    }

    private ExecResult run(GuestAgent agent, List<String> command) {
        ExecResult result;
        try {
            result = agent.exec(command, NO_INPUT, COMMAND_MAX);
        } catch (GuestException e) {
            throw Obstacle.of(path, e);
        }
        if (result.exitCode() != 0) {
            String words =
                    String.join(" ", command)
                            + ": "
                            + new String(result.out(), StandardCharsets.UTF_8)
                            + " "
                            + new String(result.err(), StandardCharsets.UTF_8);
            throw Obstacle.of(path, words);
        }
        return result;
    }
}
