package io.stillpoint.testkit;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/// As much of a Windows guest as Wine is: the real agent of QEMU, built for Windows, on a serial port whose other end is a
/// unix socket; services, registry and files as on Windows; no kernel of Windows, and none of its VSS. Use in a try block.
///
/// What tests of its extension prove is what ours makes of the interface of Windows. `docs/extensions.md` lists what only a real
/// Windows can prove.
public final class WineGuest implements AutoCloseable {
    /// What the guest has for VSS.
    public enum Vss {
        /// Wine's own, which knows how to fail: E_NOTIMPL.
        NONE,
        /// A fake that does as [#script] says, below the real provider of qemu-ga.
        SCRIPTED
    }

    /// A program's end. Both of its streams are in `output`.
    public record Ended(int exitCode, String output) {}

    private static final Path TOOLS = Path.of("../extensions/windows/test");
    private static final String WINE = "/usr/lib/wine/wine64";
    private static final String SYSTEM32 = "C:\\windows\\system32\\";
    private static final int PROGRAM_SECONDS_MAX = 60;

    private final Path folder;
    private final Path made;
    private final Vss vss;
    private final ServerProcess server;
    private Process agent;

    private WineGuest(Path folder, Path made, Vss vss, ServerProcess server) {
        this.folder = folder;
        this.made = made;
        this.vss = vss;
        this.server = server;
        this.agent = launchAgent();
    }

    /// Starts one and waits for its agent. Skips the test, with the reason printed, where this machine has no Wine or compiler for
    /// Windows.
    public static WineGuest start(Vss vss) {
        RealParts.assumeWine();
        Path made = Path.of(run("build"));
        // Short: the path of a unix socket is.
        Path folder = ServerProcess.newFolder("wine");
        List<String> command =
                new ArrayList<>(
                        List.of(tool("run").toString(), made.toString(), folder.toString()));
        if (vss == Vss.SCRIPTED) {
            command.add(made.resolve("vssapi.dll").toString());
        }
        ServerProcess server = ServerProcess.start(folder, environment(folder, vss), command);
        server.awaitLine("ready");
        WineGuest guest = new WineGuest(folder, made, vss, server);
        guest.awaitAgent();
        return guest;
    }

    /// What is sent while the agent opens its port may be lost, so it is asked until it answers.
    private void awaitAgent() {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(PROGRAM_SECONDS_MAX);
        try (GuestShell shell = GuestShell.connect(agentSocket())) {
            while (!shell.answers(Duration.ofSeconds(1))) {
                if (!agent.isAlive() || System.nanoTime() > end) {
                    throw new AssertionError("no agent; alive: " + agent.isAlive());
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static Path tool(String name) {
        return TOOLS.resolve(name).toAbsolutePath().normalize();
    }

    private static String run(String tool) {
        try {
            Process process =
                    new ProcessBuilder(tool(tool).toString())
                            .redirectError(ProcessBuilder.Redirect.INHERIT)
                            .start();
            process.getOutputStream().close();
            String output =
                    new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            int code = process.waitFor();
            if (code != 0) {
                throw new AssertionError(tool(tool) + " ended with " + code);
            }
            return output.strip();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    private static Map<String, String> environment(Path folder, Vss vss) {
        String overrides = "mscoree=;mshtml=" + (vss == Vss.SCRIPTED ? ";vssapi=n" : "");
        return Map.of(
                "WINEPREFIX",
                folder.resolve("prefix").toString(),
                "WINEDEBUG",
                "-all",
                "DISPLAY",
                "",
                "WINEDLLOVERRIDES",
                overrides);
    }

    private ProcessBuilder wine(List<String> command) {
        List<String> words = new ArrayList<>(List.of(WINE));
        words.addAll(command);
        ProcessBuilder builder =
                new ProcessBuilder(words)
                        .directory(drive().toFile())
                        .redirectInput(new File("/dev/null"))
                        .redirectErrorStream(true);
        builder.environment().putAll(environment(folder, vss));
        return builder;
    }

    private Process launchAgent() {
        try {
            return wine(List.of("C:\\qga\\qemu-ga.exe", "-m", "isa-serial", "-p", "COM1"))
                    // Where Windows starts its services, and finds programs that are named without
                    // a path.
                    .directory(drive().resolve("windows/system32").toFile())
                    // Other processes of the guest inherit it.
                    .redirectOutput(new File("/dev/null"))
                    .start();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /// The host's end of the agent's channel. As QEMU's it serves one client at a time.
    public Path agentSocket() {
        return folder.resolve("agent.sock");
    }

    /// Where the guest's C: lies on this machine.
    public Path drive() {
        return folder.resolve("prefix/drive_c");
    }

    /// A program of Windows that stands in for the installer of the Visual C++ 2013 runtime; `C:\installer-script.txt` says what it
    /// does (`extensions/windows/test/installer`).
    public Path installer() {
        return made.resolve("installer.exe");
    }

    /// Says what the scripted VSS does from its next set on (`extensions/windows/test/vssapi` lists the keys), and forgets which
    /// calls it got.
    public void script(String... lines) {
        write("vss-calls.txt", "");
        write("vss-script.txt", String.join("\n", lines) + "\n");
    }

    /// The calls that the scripted VSS got since.
    public List<String> calls() {
        return read("vss-calls.txt").lines().toList();
    }

    /// Replaces a file in C:\.
    public void write(String name, String content) {
        try {
            Files.writeString(drive().resolve(name), content);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /// A file in C:\; empty if there is none.
    public String read(String name) {
        try {
            Path file = drive().resolve(name);
            return Files.exists(file) ? Files.readString(file) : "";
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /// Takes away the device of C:, so that it can't be flushed any more.
    public void breakVolume() {
        try {
            Files.delete(folder.resolve("prefix/dosdevices/c::"));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /// Kills the agent, as a crash would.
    public void killAgent() {
        try {
            agent.destroyForcibly().waitFor();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    /// Starts the agent anew, after [#killAgent].
    public void startAgent() {
        agent = launchAgent();
    }

    /// Ends a process of the guest by its name, without a chance to clean up.
    public void kill(String image) {
        Ended ended = system("taskkill", "/f", "/im", image);
        if (ended.exitCode() != 0) {
            throw new AssertionError(ended.output());
        }
    }

    /// Runs a program of the guest to its end, past the agent.
    public Ended exec(String... command) {
        try {
            Path output = Files.createTempFile(folder, "output", "");
            Process process = wine(Arrays.asList(command)).redirectOutput(output.toFile()).start();
            if (!process.waitFor(PROGRAM_SECONDS_MAX, TimeUnit.SECONDS)) {
                process.destroyForcibly();
                throw new AssertionError("did not end: " + List.of(command));
            }
            return new Ended(process.exitValue(), Files.readString(output));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    /// As [#exec], for a program that Windows brings along.
    public Ended system(String name, String... arguments) {
        List<String> command = new ArrayList<>(List.of(SYSTEM32 + name + ".exe"));
        command.addAll(List.of(arguments));
        return exec(command.toArray(String[]::new));
    }

    /// A value of the registry as `reg` prints it; empty if there is none.
    public Optional<String> registry(String key, String name) {
        Ended ended = system("reg", "query", key, "/v", name);
        return ended.output()
                .lines()
                .map(String::strip)
                .filter(line -> line.startsWith(name + " "))
                .map(line -> line.split("\\s+", 3)[2])
                .findFirst();
    }

    /// Sets a value of the registry.
    ///
    /// @param type such as REG_SZ
    public void register(String key, String name, String type, String value) {
        Ended ended = system("reg", "add", key, "/v", name, "/t", type, "/d", value, "/f");
        if (ended.exitCode() != 0) {
            throw new AssertionError(ended.output());
        }
    }

    @Override
    public void close() {
        server.stop();
    }
}
