package io.stillpoint.cli;

import io.stillpoint.engine.ScratchSettings;
import io.stillpoint.hypervisor.KeptSnapshots;
import io.stillpoint.hypervisor.SnapshotName;
import io.stillpoint.hypervisor.qemu.KnownMonitors;
import io.stillpoint.hypervisor.qemu.KnownMonitors.Known;
import io.stillpoint.hypervisor.qemu.QemuSweeper;
import io.stillpoint.hypervisor.qemu.QemuSweeper.Outcome;
import io.stillpoint.hypervisor.qemu.QemuSweeper.Result;
import io.stillpoint.platform.Json;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/// `stillpoint sweep`
@Command(name = "sweep", resourceBundle = "io.stillpoint.cli.messages", sortOptions = false)
final class SweepCommand implements Callable<Integer> {
    @Mixin private StateOptions state = new StateOptions();
    @Mixin private KeepOptions keep = new KeepOptions();
    @Mixin private ControlOptions control = new ControlOptions();
    @Mixin private Output output = new Output();

    @Option(names = "--qmp", paramLabel = "SOCKET", descriptionKey = "option.sweep-qmp")
    private List<Path> sockets = new ArrayList<>();

    @Option(names = "--scratch", paramLabel = "DIR", descriptionKey = "option.sweep-scratch")
    private List<Path> folders = new ArrayList<>();

    /// Of a guardian: it knows what is kept, and must not wait for a service.
    @Option(names = "--alone", hidden = true)
    private boolean alone;

    @Override
    public Integer call() {
        QemuSweeper sweeper =
                new QemuSweeper(InstantSource.system(), kept(), Readiness.process().threads());
        Optional<KnownMonitors> known = ScratchOptions.known(state);
        List<Result> results = new ArrayList<>();
        for (Known each : monitors(known)) {
            Result result = sweeper.sweep(each);
            results.add(result);
            if (result.outcome() == Outcome.GONE) {
                known.ifPresent(kept -> kept.forget(each));
            }
        }
        for (Path folder : scratchFolders()) {
            Result result = sweeper.sweepFolder(folder);
            if (!result.removed().isEmpty() || result.outcome() == Outcome.FAILED) {
                results.add(result);
            }
        }
        output.done(json(results), text(results));
        boolean isFailed = results.stream().anyMatch(each -> each.outcome() == Outcome.FAILED);
        return (isFailed ? ExitCode.ENVIRONMENT : ExitCode.SUCCESS).status();
    }

    /// What was named, and what the service keeps.
    private KeptSnapshots kept() {
        KeptSnapshots kept = keep.kept();
        if (!alone) {
            for (SnapshotName each : control.kept().names()) {
                kept = kept.with(each);
            }
        }
        return kept;
    }

    /// Those that were given, else all that are known.
    private List<Known> monitors(Optional<KnownMonitors> known) {
        List<Known> all = known.map(KnownMonitors::all).orElse(List.of());
        if (sockets.isEmpty()) {
            return all;
        }
        List<Known> given = new ArrayList<>();
        for (Path socket : sockets) {
            Path real = Sockets.real(socket);
            given.add(
                    all.stream()
                            .filter(each -> each.socket().equals(real) && folders.isEmpty())
                            .findFirst()
                            .orElseGet(() -> new Known("", real, scratchFolders().getFirst())));
        }
        return given;
    }

    private List<Path> scratchFolders() {
        return folders.isEmpty() ? List.of(ScratchSettings.usualFolder()) : folders;
    }

    private static ObjectNode json(List<Result> results) {
        ObjectNode json = Json.object();
        ArrayNode array = json.putArray("swept");
        for (Result each : results) {
            ObjectNode one =
                    array.addObject()
                            .put("vm", each.vm())
                            .put("place", each.place().toString())
                            .put("outcome", each.outcome().name().toLowerCase(Locale.ROOT));
            each.removed().forEach(one.putArray("removed")::add);
            if (!each.detail().isEmpty()) {
                one.put("detail", Output.words(each.detail()));
            }
        }
        return json;
    }

    private static String text(List<Result> results) {
        if (results.isEmpty()) {
            return Output.text("sweep.nowhere");
        }
        List<String> lines = new ArrayList<>();
        for (Result each : results) {
            String vm = each.vm().isEmpty() ? "" : each.vm() + ", ";
            String key =
                    switch (each.outcome()) {
                        case SWEPT -> "sweep.swept";
                        case BUSY -> "sweep.busy";
                        case GONE -> "sweep.gone";
                        case FAILED -> "sweep.failed";
                    };
            lines.add(
                    Output.text(
                            key,
                            vm + each.place(),
                            Integer.toString(each.removed().size()),
                            each.detail()));
        }
        return String.join("\n", lines);
    }
}
