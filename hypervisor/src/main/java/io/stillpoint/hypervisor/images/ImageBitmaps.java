package io.stillpoint.hypervisor.images;

import io.stillpoint.hypervisor.HypervisorException;
import io.stillpoint.hypervisor.HypervisorException.Kind;
import io.stillpoint.platform.Json;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Pattern;
import tools.jackson.databind.JsonNode;

/// The bitmaps that backups of a running VM have stored in its qcow2 images, for when nothing of ours is to be left
/// there. An image of another format has none.
public final class ImageBitmaps {
    private static final byte[] QCOW2_MAGIC = {'Q', 'F', 'I', (byte) 0xfb};

    /// A recording bitmap's name, see `qemu.JobNames`, or a merged one's that a crash has left.
    private static final Pattern OURS =
            Pattern.compile("sp-[0-9a-f]{8}-([0-9a-f]{16}(-w)?|[0-9a-f]{8}-tmp)");

    private ImageBitmaps() {}

    /// Removes those of every vault from the image of a VM that is off. Returns their names.
    public static List<String> release(Path image) {
        if (!isQcow2(image)) {
            return List.of();
        }
        // Of no backing file: only this image is opened.
        JsonNode about =
                Json.parse(
                        run(image, "info", "-f", "qcow2", "--output=json", image.toString())
                                .getBytes(StandardCharsets.UTF_8));
        List<String> removed = new ArrayList<>();
        for (JsonNode bitmap : about.path("format-specific").path("data").path("bitmaps")) {
            String name = bitmap.path("name").asString("");
            if (OURS.matcher(name).matches()) {
                run(image, "bitmap", "--remove", "-f", "qcow2", image.toString(), name);
                removed.add(name);
            }
        }
        return removed;
    }

    private static boolean isQcow2(Path image) {
        if (!Files.isRegularFile(image)) {
            throw new HypervisorException(Kind.IMAGE, "image.missing", null, image);
        }
        try (var in = Files.newInputStream(image)) {
            return Arrays.equals(in.readNBytes(QCOW2_MAGIC.length), QCOW2_MAGIC);
        } catch (IOException e) {
            throw ImageErrors.failed(image, e);
        }
    }

    private static String run(Path image, String... arguments) {
        List<String> command = new ArrayList<>(List.of("qemu-img"));
        command.addAll(Arrays.asList(arguments));
        try {
            Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
            process.getOutputStream().close();
            String output =
                    new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            if (process.waitFor() == 0) {
                return output;
            }
            throw output.contains("Failed to get")
                    ? new HypervisorException(
                            Kind.IMAGE, "image.in-use", null, image, output.strip())
                    : ImageErrors.of("image.storage-daemon-failed", image, output.strip());
        } catch (IOException e) {
            throw new HypervisorException(Kind.UNSUPPORTED, "image.no-qemu-img", e, image);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw ImageErrors.of("image.storage-daemon-failed", image, "interrupted");
        }
    }
}
