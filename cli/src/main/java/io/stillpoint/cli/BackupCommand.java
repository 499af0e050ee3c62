package io.stillpoint.cli;

import io.stillpoint.engine.BackupJob;
import io.stillpoint.engine.BackupPolicy;
import io.stillpoint.engine.BackupSettings;
import io.stillpoint.engine.GuestAccess;
import io.stillpoint.engine.JobTools;
import io.stillpoint.engine.JobVm;
import io.stillpoint.engine.MemoryJournal;
import io.stillpoint.engine.RestLimits;
import io.stillpoint.engine.ScratchSettings;
import io.stillpoint.engine.VaultPin;
import io.stillpoint.engine.VmSocket;
import io.stillpoint.guest.extension.ExtensionKeeper;
import io.stillpoint.guest.extension.Prerequisites;
import io.stillpoint.hypervisor.VirtualMachine;
import io.stillpoint.hypervisor.images.ImageFile;
import io.stillpoint.hypervisor.images.StoppedImages;
import io.stillpoint.hypervisor.qemu.DiskChoice;
import io.stillpoint.hypervisor.qemu.QemuSettings;
import io.stillpoint.hypervisor.qemu.QemuVm;
import io.stillpoint.platform.ByteSize;
import io.stillpoint.platform.Cancellation;
import io.stillpoint.platform.Json;
import io.stillpoint.platform.Randomness;
import io.stillpoint.platform.setting.NamePattern;
import io.stillpoint.vault.Vault;
import io.stillpoint.vault.point.Consistency;
import io.stillpoint.vault.point.RecoveryPoint;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;
import tools.jackson.databind.node.ObjectNode;

/// `stillpoint backup`
@Command(name = "backup", resourceBundle = "io.stillpoint.cli.messages", sortOptions = false)
final class BackupCommand implements Callable<Integer> {
    @Mixin private VaultOptions vaultOptions = new VaultOptions();
    @Mixin private PinOptions pins = new PinOptions();
    @Mixin private ControlOptions control = new ControlOptions();
    @Mixin private Output output = new Output();

    @Option(names = "--keep", paramLabel = "TIME", descriptionKey = "option.keep-point")
    private @Nullable String keep;

    @Option(names = "--reason", paramLabel = "TEXT", descriptionKey = "option.reason")
    private String reason = "";

    @Option(names = "--no-wait", descriptionKey = "option.no-wait")
    private boolean noWait;

    private static final Set<String> SERVICE_ONLY =
            Set.of("--keep", "--reason", "--no-wait", "--control");

    /// What the service can be told. All else is its policy's.
    private static final Set<String> OF_SERVICE =
            Set.of("--vm", "--keep", "--reason", "--no-wait", "--control", "--json", "--quiet");

    @Spec private @Nullable CommandSpec spec;

    @Option(names = "--vm", required = true, paramLabel = "NAME", descriptionKey = "option.vm")
    private String vm = "";

    /// Without a source the service does the job.
    @ArgGroup(exclusive = true, multiplicity = "0..1")
    private Source source = new Source();

    static final class Source {
        @Option(
                names = "--image",
                paramLabel = "FILE[,format=…]",
                converter = ImageConverter.class,
                descriptionKey = "option.image")
        private List<ImageFile> images = new ArrayList<>();

        @ArgGroup(exclusive = false)
        private @Nullable Live live;
    }

    static final class Live {
        @Option(
                names = "--qmp",
                required = true,
                paramLabel = "SOCKET",
                descriptionKey = "option.qmp")
        private Path qmp = Path.of("");

        @Option(names = "--agent", paramLabel = "SOCKET", descriptionKey = "option.agent")
        private @Nullable Path agent;

        @Option(names = "--scratch", paramLabel = "DIR", descriptionKey = "option.scratch")
        private @Nullable Path scratch;

        @Option(
                names = "--scratch-limit",
                paramLabel = "SIZE",
                defaultValue = "20G",
                converter = ByteSizeConverter.class,
                descriptionKey = "option.scratch-limit")
        private ByteSize scratchLimit = new ByteSize(0);

        @Option(names = "--include-removable", descriptionKey = "option.include-removable")
        private boolean includeRemovable;

        @Option(names = "--include-read-only", descriptionKey = "option.include-read-only")
        private boolean includeReadOnly;

        @Option(
                names = "--without-disk",
                paramLabel = "NAME",
                descriptionKey = "option.without-disk")
        private List<String> withoutDisks = new ArrayList<>();

        @Option(
                names = "--freeze-limit",
                paramLabel = "SECONDS",
                defaultValue = "60",
                converter = SecondsConverter.OfFreeze.class,
                descriptionKey = "option.freeze-limit")
        private Duration freezeLimit = Duration.ofMinutes(1);

        @Option(
                names = "--script-limit",
                paramLabel = "SECONDS",
                defaultValue = "1800",
                converter = SecondsConverter.OfScript.class,
                descriptionKey = "option.script-limit")
        private Duration scriptLimit = Duration.ofMinutes(30);

        @Option(
                names = "--extension",
                paramLabel = "auto|none",
                defaultValue = "auto",
                descriptionKey = "option.extension")
        private ExtensionMode extension = ExtensionMode.AUTO;

        @Option(
                names = "--vcredist-absent",
                paramLabel = "warn|refuse",
                defaultValue = "warn",
                descriptionKey = "option.vcredist-absent")
        private Prerequisites.Absent vcredistAbsent = Prerequisites.Absent.WARN;

        @Option(
                names = "--vss",
                paramLabel = "extension|agent",
                defaultValue = "extension",
                descriptionKey = "option.vss")
        private BackupPolicy.Vss vss = BackupPolicy.Vss.EXTENSION;
    }

    /// Whether the guest gets an extension.
    enum ExtensionMode {
        AUTO,
        NONE
    }

    /// What a policy may demand.
    enum Minimum {
        CRASH(Consistency.CRASH),
        FILE_SYSTEM(Consistency.FILE_SYSTEM),
        APPLICATION(Consistency.APPLICATION);

        private final Consistency consistency;

        Minimum(Consistency consistency) {
            this.consistency = consistency;
        }

        @Override
        public String toString() {
            return consistency.word();
        }
    }

    @Option(
            names = "--consistency-at-least",
            paramLabel = "crash|file-system|application",
            defaultValue = "crash",
            descriptionKey = "option.consistency-at-least")
    private Minimum atLeast = Minimum.CRASH;

    @Option(names = "--same-vm", descriptionKey = "option.same-vm")
    private boolean sameVm;

    @Option(names = "--image-base", paramLabel = "PATH", descriptionKey = "option.image-base")
    private List<Path> imageBases = new ArrayList<>();

    @Option(
            names = "--lock-days",
            paramLabel = "DAYS",
            converter = CountConverter.OfSomeDays.class,
            descriptionKey = "option.lock-days")
    private @Nullable Integer lockDays;

    @Override
    public Integer call() {
        if (!BackupSettings.isVmName(vm)) {
            throw new InputException("backup.vm-name", vm);
        }
        if (source.images.isEmpty() && source.live == null) {
            requireNoVault();
            refuse(each -> !OF_SERVICE.contains(each), "backup.needs-source");
            return ask();
        }
        refuse(SERVICE_ONLY::contains, "backup.needs-service");
        Cancellation cancellation = Interruption.cancellation();
        try (Vault vault = vaultOptions.open();
                JobVm machine = JobVm.of(machine());
                ConsoleEvents events = output.events()) {
            VaultPin pin = pins.pin(vaultOptions, vault);
            tell(pin.look(vault), events);
            vault.completeCatalogue();
            if (machine.open() instanceof StoppedImages stopped) {
                // Before any of them is read.
                stopped.references().forEach(each -> events.note(text(each)));
            }
            RecoveryPoint point =
                    new BackupJob(
                                    vault,
                                    machine,
                                    settings(machine),
                                    new JobTools(
                                            new MemoryJournal(control.kept()),
                                            events,
                                            cancellation,
                                            InstantSource.system(),
                                            Randomness.secure(),
                                            Readiness.process().threads()))
                            .run()
                            .orThrow();
            tell(pin.made(vault.id(), point), events);
            events.end();
            output.junk(vault);
            output.done(json(point), text(point));
            return ExitCode.SUCCESS.status();
        }
    }

    /// Who names a vault wants no service to do it, and has forgotten the source.
    private void requireNoVault() {
        CommandLine command = Objects.requireNonNull(spec).commandLine();
        if (command.getParseResult().hasMatchedOption("--vault")) {
            throw new ParameterException(
                    command,
                    Output.text("usage.missing", "--image FILE[,format=…] or --qmp SOCKET"));
        }
    }

    /// An option that does nothing would be taken for one that works.
    private void refuse(Predicate<String> isVain, String code) {
        CommandLine command = Objects.requireNonNull(spec).commandLine();
        for (OptionSpec each : command.getParseResult().matchedOptions()) {
            if (isVain.test(each.longestName())) {
                throw new ParameterException(command, Output.text(code, each.longestName()));
            }
        }
    }

    /// Has the service do the job.
    private int ask() {
        ObjectNode request = Json.object().put("do", "backup").put("vm", vm);
        if (keep != null) {
            request.put("keep", keep);
        }
        if (!reason.isEmpty()) {
            request.put("reason", reason);
        }
        ObjectNode job = control.one(request);
        String id = job.path("job").asString("");
        if (noWait) {
            output.done(job, Output.text("job.ordered", vm, id));
            return ExitCode.SUCCESS.status();
        }
        if (job.has("vmState")) {
            output.warning(
                    "job.vm-away",
                    Output.text("job.vm-away", vm, job.path("vmState").asString("")));
        }
        return JobCommand.watch(control, output, id);
    }

    private static void tell(List<VaultPin.Finding> findings, ConsoleEvents events) {
        findings.forEach(finding -> events.warning(finding.code(), finding.text()));
    }

    private static String text(StoppedImages.Reference reference) {
        return Output.text(
                "backup.reference", reference.disk(), reference.image(), reference.file());
    }

    private ObjectNode json(RecoveryPoint point) {
        ObjectNode json = PointFormat.json(point);
        if (vaultOptions.location().isRemote()) {
            json.set("store", UsageFormat.json(vaultOptions.meter()));
        }
        return json;
    }

    private String text(RecoveryPoint point) {
        String table = PointFormat.table(List.of(point));
        return vaultOptions.location().isRemote()
                ? table + "\n" + UsageFormat.text(vaultOptions.meter())
                : table;
    }

    private VirtualMachine machine() {
        Live live = source.live;
        return live == null
                ? StoppedImages.of(vm, source.images, imageBases, Readiness.process().threads())
                : QemuVm.open(
                        live.qmp,
                        new QemuSettings(
                                vm,
                                new DiskChoice(
                                        live.includeRemovable,
                                        live.includeReadOnly,
                                        live.withoutDisks.stream().map(NamePattern::new).toList()),
                                ScratchOptions.known(pins.state()),
                                Optional.of(ScratchOptions.guardian(pins.state().folder())),
                                Readiness.process().threads()));
    }

    private Optional<ExtensionKeeper> keeper(Live live) {
        return live.extension == ExtensionMode.NONE
                ? Optional.empty()
                : Optional.of(GuestOptions.keeper(pins.state().folder(), live.vcredistAbsent));
    }

    private BackupSettings settings(JobVm machine) {
        Live live = source.live == null ? new Live() : source.live;
        return new BackupSettings(
                vm,
                new BackupPolicy(
                        atLeast.consistency,
                        new RestLimits(live.freezeLimit, live.scriptLimit),
                        live.vss,
                        sameVm,
                        Optional.ofNullable(lockDays).map(Duration::ofDays)),
                Optional.ofNullable(live.agent)
                        .map(path -> new GuestAccess(new VmSocket(machine, path), keeper(live))),
                new ScratchSettings(
                        live.scratch == null ? ScratchSettings.usualFolder() : live.scratch,
                        live.scratchLimit),
                "stillpoint " + Version.text());
    }
}
