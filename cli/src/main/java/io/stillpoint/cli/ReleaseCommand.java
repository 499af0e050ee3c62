package io.stillpoint.cli;

import io.stillpoint.engine.ScratchSettings;
import io.stillpoint.hypervisor.images.ImageBitmaps;
import io.stillpoint.hypervisor.qemu.KnownMonitors;
import io.stillpoint.hypervisor.qemu.KnownMonitors.Known;
import io.stillpoint.hypervisor.qemu.QemuVm;
import io.stillpoint.platform.Json;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/// `stillpoint release`
@Command(name = "release", resourceBundle = "io.stillpoint.cli.messages", sortOptions = false)
final class ReleaseCommand implements Callable<Integer> {
    @Mixin private StateOptions state = new StateOptions();
    @Mixin private KeepOptions keep = new KeepOptions();
    @Mixin private Output output = new Output();

    @ArgGroup(exclusive = true, multiplicity = "1")
    private Target target = new Target();

    static final class Target {
        @Option(names = "--vm", paramLabel = "NAME", descriptionKey = "option.release-vm")
        private @Nullable String vm;

        @Option(names = "--qmp", paramLabel = "SOCKET", descriptionKey = "option.release-qmp")
        private @Nullable Path socket;

        @Option(names = "--image", paramLabel = "FILE", descriptionKey = "option.release-image")
        private List<Path> images = new ArrayList<>();
    }

    @Option(names = "--scratch", paramLabel = "DIR", descriptionKey = "option.release-scratch")
    private @Nullable Path scratch;

    @Override
    public Integer call() {
        ObjectNode json = Json.object();
        ArrayNode array = json.putArray("removed");
        List<String> lines = new ArrayList<>();
        if (!target.images.isEmpty()) {
            for (Path image : target.images) {
                note(ImageBitmaps.release(image), image, array, lines);
            }
        } else {
            Known known = monitor();
            try (QemuVm machine = QemuVm.open(known.socket(), Readiness.process().threads())) {
                note(machine.release(known.scratch(), keep.kept()), known.socket(), array, lines);
            }
        }
        output.done(json, String.join("\n", lines));
        return ExitCode.SUCCESS.status();
    }

    private static void note(List<String> removed, Path from, ArrayNode array, List<String> lines) {
        removed.forEach(each -> array.addObject().put("place", from.toString()).put("name", each));
        lines.add(Output.text("release.done", from, Integer.toString(removed.size())));
    }

    private Known monitor() {
        List<Known> known = ScratchOptions.known(state).map(KnownMonitors::all).orElse(List.of());
        Path socket = target.socket;
        String vm = String.valueOf(target.vm);
        List<Known> found =
                known.stream()
                        .filter(
                                socket == null
                                        ? each -> each.vm().equals(vm)
                                        : each -> each.socket().equals(Sockets.real(socket)))
                        .toList();
        if (socket != null) {
            return new Known(
                    "", socket, scratchOr(found.isEmpty() ? null : found.getFirst().scratch()));
        }
        if (found.size() != 1) {
            throw new InputException("release.not-one", vm, Integer.toString(found.size()));
        }
        Known only = found.getFirst();
        return new Known(only.vm(), only.socket(), scratchOr(only.scratch()));
    }

    private Path scratchOr(@Nullable Path noted) {
        if (scratch != null) {
            return scratch;
        }
        return noted == null ? ScratchSettings.usualFolder() : noted;
    }
}
