package io.stillpoint.cli;

import io.stillpoint.platform.Cancellation;
import io.stillpoint.platform.Randomness;
import io.stillpoint.platform.text.Printable;
import io.stillpoint.service.Service;
import io.stillpoint.service.base.Tools;
import io.stillpoint.service.config.ConfigFile;
import io.stillpoint.service.config.ServiceConfig;
import java.nio.file.Path;
import java.time.InstantSource;
import java.time.temporal.ChronoUnit;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/// `stillpoint serve`
@Command(name = "serve", resourceBundle = "io.stillpoint.cli.messages", sortOptions = false)
final class ServeCommand implements Callable<Integer> {
    @Option(names = "--config", paramLabel = "FILE", descriptionKey = "option.config")
    private Path config = ConfigFile.USUAL;

    @Mixin private Output output = new Output();

    @Override
    public Integer call() throws InterruptedException {
        Readiness.require();
        ServiceConfig settings = ConfigFile.read(config);
        Cancellation cancellation = Interruption.cancellation();
        CountDownLatch asked = new CountDownLatch(1);
        try (Service _ = Service.start(settings, tools(settings.state()));
                Cancellation.Scope _ = cancellation.hold();
                Cancellation.Scope _ = cancellation.atRequest(asked::countDown)) {
            tell(Output.text("serve.ready", settings.control().socket(), settings.hosts().size()));
            asked.await();
            tell(Output.text("serve.stopping"));
        }
        return ExitCode.SUCCESS.status();
    }

    /// What the service works with.
    Tools tools(Path state) {
        return new Tools(
                Readiness.process(),
                InstantSource.system(),
                Randomness.secure(),
                System.getenv(),
                Optional.of(ScratchOptions.guardian(state)),
                this::tell,
                "stillpoint " + Version.text());
    }

    private void tell(String line) {
        output.log(
                InstantSource.system().instant().truncatedTo(ChronoUnit.SECONDS)
                        + " "
                        + Printable.of(line));
    }
}
