package io.stillpoint.hypervisor.images;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;

/// Names for the disks of images, unique in the VM, and the same from backup to backup for the same images.
final class DiskNames {
    private static final int BYTES_MAX = 200;

    private DiskNames() {}

    /// Each is the given name, or as short a part of the path as tells the images apart.
    static List<String> of(List<ImageFile> images) {
        List<String> names = new ArrayList<>();
        for (ImageFile image : images) {
            names.add(image.name().map(name -> checked(image, name)).orElseGet(() -> base(image)));
        }
        int folders = images.stream().mapToInt(image -> depth(image.path())).max().orElse(0);
        for (int i = 0; i <= folders && !isUnique(names); i++) {
            int above = i;
            lengthen(images, names, path -> tail(path, above));
        }
        for (int i = 0; i < names.size(); i++) {
            int first = names.indexOf(names.get(i));
            if (first != i) {
                throw ImageErrors.of(
                        "image.same-name",
                        images.get(i).path(),
                        images.get(first).path(),
                        names.get(i));
            }
        }
        return names;
    }

    /// Gives longer names to those that are not alone with theirs.
    private static void lengthen(
            List<ImageFile> images, List<String> names, UnaryOperator<Path> part) {
        Map<String, Long> counts = new HashMap<>();
        names.forEach(name -> counts.merge(name, 1L, Long::sum));
        IntStream.range(0, names.size())
                .filter(i ->
                        images.get(i).name().isEmpty() && counts.getOrDefault(names.get(i), 0L) > 1)
                .forEach(i -> names.set(i, clean(part.apply(images.get(i).path()).toString())));
    }

    private static boolean isUnique(List<String> names) {
        return names.stream().distinct().count() == names.size();
    }

    private static int depth(Path path) {
        return path.toAbsolutePath().normalize().getNameCount();
    }

    /// The file's name with so many folders before it.
    private static Path tail(Path path, int folders) {
        Path absolute = path.toAbsolutePath().normalize();
        int count = absolute.getNameCount();
        return absolute.subpath(Math.max(0, count - 1 - folders), count);
    }

    private static String base(ImageFile image) {
        String file = image.path().getFileName().toString();
        int dot = file.lastIndexOf('.');
        return clean(dot > 0 ? file.substring(0, dot) : file);
    }

    private static String clean(String name) {
        return name.replace('/', '-').replaceAll("[^A-Za-z0-9._-]", "_");
    }

    private static String checked(ImageFile image, String name) {
        boolean isGood =
                !name.isBlank()
                        && name.equals(name.strip())
                        && name.length() <= BYTES_MAX
                        && name.matches("[^\\p{C}\\u2028\\u2029/]+");
        if (!isGood) {
            throw ImageErrors.of("image.bad-name", image.path(), name);
        }
        return name;
    }
}
