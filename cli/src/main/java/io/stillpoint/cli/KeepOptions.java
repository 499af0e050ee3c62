package io.stillpoint.cli;

import io.stillpoint.hypervisor.KeptSnapshots;
import io.stillpoint.hypervisor.SnapshotName;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Option;
import picocli.CommandLine.TypeConversionException;

/// Which snapshots a sweep leaves alone: those that the journal of a service names.
final class KeepOptions {
    @Option(
            names = "--keep",
            paramLabel = "SNAPSHOT",
            converter = Converter.class,
            descriptionKey = "option.keep")
    private List<SnapshotName> names = new ArrayList<>();

    KeptSnapshots kept() {
        return new KeptSnapshots(new LinkedHashSet<>(names));
    }

    static final class Converter implements ITypeConverter<SnapshotName> {
        @Override
        public SnapshotName convert(String text) {
            try {
                return SnapshotName.parse(text);
            } catch (IllegalArgumentException e) {
                throw new TypeConversionException(Output.text("usage.snapshot", text));
            }
        }
    }
}
