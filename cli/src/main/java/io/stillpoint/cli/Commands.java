package io.stillpoint.cli;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import picocli.AutoComplete.GenerateCompletion;
import picocli.CommandLine;
import picocli.CommandLine.Command;

/// Which commands there are, and how they nest. What a command's options are takes picocli milliseconds to learn, so a
/// run learns it of the named one alone; of all where they may have to be shown: help, completion, mistakes.
final class Commands {
    private static final Map<Class<?>, List<Class<?>>> PARTS =
            Map.ofEntries(
                    Map.entry(
                            Stillpoint.class,
                            List.of(
                                    VaultCommand.class,
                                    KeyCommand.class,
                                    BackupCommand.class,
                                    PointsCommand.class,
                                    RestoreCommand.class,
                                    RescueCommand.class,
                                    DiffCommand.class,
                                    ForgetCommand.class,
                                    GuestCommand.class,
                                    SweepCommand.class,
                                    ReleaseCommand.class,
                                    ServeCommand.class,
                                    ConfigCommand.class,
                                    StatusCommand.class,
                                    SummaryCommand.class,
                                    VmCommand.class,
                                    PolicyCommand.class,
                                    JobCommand.class,
                                    PointCommand.class,
                                    SnapshotCommand.class,
                                    CatalogCommand.class,
                                    DemoCommand.class)),
                    Map.entry(
                            VaultCommand.class,
                            List.of(
                                    VaultCommand.Init.class,
                                    VaultCommand.Show.class,
                                    VerifyCommand.class,
                                    RepairCommand.class,
                                    PruneCommand.class,
                                    CopyCommand.class,
                                    DiscardCommand.class,
                                    VaultCommand.Care.class)),
                    Map.entry(
                            KeyCommand.class,
                            List.of(
                                    KeyCommand.Listing.class,
                                    KeyCommand.Add.class,
                                    KeyCommand.Change.class,
                                    KeyCommand.Remove.class,
                                    KeyCommand.Check.class,
                                    KeySheetCommand.class,
                                    KeyRecoverCommand.class)),
                    Map.entry(
                            GuestCommand.class,
                            List.of(
                                    GuestCommand.Status.class,
                                    GuestCommand.Install.class,
                                    GuestCommand.Uninstall.class,
                                    GuestCommand.TestScripts.class)),
                    Map.entry(
                            RescueCommand.class,
                            List.of(
                                    RescueCommand.Listing.class,
                                    RescueCommand.Verify.class,
                                    RescueCommand.Restore.class)),
                    Map.entry(ConfigCommand.class, List.of(ConfigCommand.Check.class)),
                    Map.entry(
                            VmCommand.class,
                            List.of(
                                    VmCommand.Listing.class,
                                    VmCommand.Protect.class,
                                    VmCommand.Unprotect.class,
                                    VmCommand.Release.class,
                                    VmCommand.Tag.class)),
                    Map.entry(
                            PolicyCommand.class,
                            List.of(
                                    PolicyCommand.Apply.class,
                                    PolicyCommand.Diff.class,
                                    PolicyCommand.Export.class,
                                    PolicyCommand.Remove.class)),
                    Map.entry(
                            JobCommand.class,
                            List.of(
                                    JobCommand.Listing.class,
                                    JobCommand.Show.class,
                                    JobCommand.Watch.class,
                                    JobCommand.Cancel.class,
                                    JobCommand.Retry.class)),
                    Map.entry(
                            PointCommand.class,
                            List.of(
                                    PointCommand.Listing.class,
                                    PointCommand.Pin.class,
                                    PointCommand.Unpin.class,
                                    PointCommand.Keep.class)),
                    Map.entry(
                            SnapshotCommand.class,
                            List.of(
                                    SnapshotCommand.Listing.class,
                                    SnapshotCommand.Restore.class,
                                    SnapshotCommand.End.class)),
                    Map.entry(CatalogCommand.class, List.of(CatalogCommand.Rebuild.class)));

    private Commands() {}

    /// The program with at least the commands that these arguments name.
    static CommandLine named(String... arguments) {
        CommandLine program = new CommandLine(new Stillpoint());
        if (isVersion(arguments)) {
            return program;
        }
        addParts(program, Stillpoint.class, Arrays.asList(arguments));
        program.addSubcommand(new GenerateCompletion());
        program.addSubcommand(new HelpCommand());
        HiddenOptions.hideIn(program);
        Words.readBy(program);
        // Of those that are there by now; users write the constants small.
        return program.setCaseInsensitiveEnumValuesAllowed(true);
    }

    private static boolean isVersion(String... arguments) {
        return arguments.length == 1
                && (arguments[0].equals("--version") || arguments[0].equals("-V"));
    }

    private static void addParts(CommandLine to, Class<?> type, List<String> arguments) {
        List<Class<?>> parts = PARTS.getOrDefault(type, List.of());
        List<Class<?>> named = parts.stream().filter(part -> isNamed(part, arguments)).toList();
        for (Class<?> part : named.isEmpty() ? parts : named) {
            CommandLine command = new CommandLine(part);
            to.addSubcommand(command);
            addParts(
                    command,
                    part,
                    arguments.isEmpty() ? arguments : arguments.subList(1, arguments.size()));
        }
    }

    private static boolean isNamed(Class<?> part, List<String> arguments) {
        Command command = part.getAnnotation(Command.class);
        return command != null
                && !arguments.isEmpty()
                && command.name().equals(arguments.getFirst());
    }
}
