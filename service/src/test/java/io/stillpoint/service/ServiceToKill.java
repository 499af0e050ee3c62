package io.stillpoint.service;

import io.stillpoint.platform.ProcessResources;
import io.stillpoint.platform.Randomness;
import io.stillpoint.service.base.Tools;
import io.stillpoint.service.config.ConfigFile;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;

/// A service in a process of its own.
final class ServiceToKill {
    private ServiceToKill() {}

    /// @param arguments the configuration
    public static void main(String... arguments) throws InterruptedException {
        Tools tools =
                new Tools(
                        ProcessResources.ofThisProcess(),
                        InstantSource.system(),
                        Randomness.secure(),
                        Map.of(),
                        Optional.empty(),
                        System.out::println,
                        "stillpoint test");
        try (Service _ = Service.start(ConfigFile.read(Path.of(arguments[0])), tools)) {
            System.out.println("ready");
            new CountDownLatch(1).await();
        }
    }
}
