package io.stillpoint.guest.extension;

import io.stillpoint.platform.Json;
import io.stillpoint.platform.text.Printable;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/// What a package says of itself: `manifest.json` (`docs/extensions.md`, "Package"). The constructors throw
/// [IllegalArgumentException] for what the page does not allow.
///
/// @param os as [GuestSystem.Os#id()]
/// @param executable one of the files
/// @param verbs how many seconds each verb may take
public record Manifest(
        ExtensionType type,
        String publisher,
        ExtensionVersion version,
        String os,
        String architecture,
        String executable,
        List<PackageFile> files,
        Map<String, Integer> verbs,
        List<Prerequisite> prerequisites) {
    static final String FILE = "manifest.json";
    static final String SIGNATURE = "manifest.sig";
    static final int BYTES_MAX = 1 << 20;

    private static final Set<String> ARCHITECTURES = Set.of("x86_64", "aarch64");
    private static final Pattern PATH = Pattern.compile("[A-Za-z0-9_][A-Za-z0-9._-]{0,99}");
    private static final Pattern SHA_256 = Pattern.compile("[0-9a-f]{64}");
    private static final int SECONDS_MAX = 24 * 3600;

    /// A file of the package.
    ///
    /// @param path its name; there are no folders
    /// @param bytes its length
    /// @param sha256 64 lower-case hexadecimal digits
    public record PackageFile(String path, long bytes, String sha256) {
        public PackageFile {
            require(PATH.matcher(path).matches() && !path.contains(".."), "path", path);
            require(!path.equals(FILE) && !path.equals(SIGNATURE), "path", path);
            require(bytes >= 0, "bytes", Long.toString(bytes));
            require(SHA_256.matcher(sha256).matches(), "sha256", sha256);
        }
    }

    /// Something of others that must be in the guest.
    ///
    /// @param file which of the files installs it; empty: it has to be there already
    /// @param isRequired whether the extension does without
    public record Prerequisite(
            String id,
            String version,
            Optional<PackageFile> file,
            List<String> arguments,
            List<Integer> okExitCodes,
            boolean isRequired) {
        public Prerequisite {
            require(PATH.matcher(id).matches(), "id", id);
            arguments = List.copyOf(arguments);
            okExitCodes = List.copyOf(okExitCodes);
        }
    }

    public Manifest {
        require(os.equals(type.os().id()), "os", os);
        require(ARCHITECTURES.contains(architecture), "architecture", architecture);
        files = List.copyOf(files);
        verbs = Map.copyOf(verbs);
        prerequisites = List.copyOf(prerequisites);
        Set<String> names = new HashSet<>();
        for (PackageFile file : files) {
            // Windows tells no case apart.
            require(names.add(file.path().toLowerCase(Locale.ROOT)), "path", file.path());
        }
        require(
                files.stream().anyMatch(file -> file.path().equals(executable)),
                "executable",
                executable);
        verbs.forEach((verb, seconds) ->
                require(seconds > 0 && seconds <= SECONDS_MAX, verb, seconds.toString()));
        for (Prerequisite prerequisite : prerequisites) {
            require(
                    prerequisite.file().isEmpty() || files.contains(prerequisite.file().get()),
                    "file",
                    prerequisite.id());
        }
    }

    private static void require(boolean condition, String field, String found) {
        if (!condition) {
            throw new IllegalArgumentException(field + ": " + Printable.line(found));
        }
    }

    /// The manifest on one line; equal manifests give equal bytes.
    byte[] json() {
        ObjectNode json = Json.object();
        json.put("type", type.id()).put("publisher", publisher).put("version", version.toString());
        json.put("os", os).put("architecture", architecture).put("executable", executable);
        ArrayNode list = json.putArray("files");
        for (PackageFile file : files) {
            list.addObject()
                    .put("path", file.path())
                    .put("bytes", file.bytes())
                    .put("sha256", file.sha256());
        }
        ObjectNode limits = json.putObject("verbs");
        verbs.entrySet().stream()
                .sorted(Map.Entry.comparingByKey())
                .forEach(verb -> limits.put(verb.getKey(), verb.getValue()));
        ArrayNode needs = json.putArray("prerequisites");
        for (Prerequisite need : prerequisites) {
            ObjectNode entry = needs.addObject();
            entry.put("id", need.id()).put("version", need.version());
            need.file()
                    .ifPresent(file -> entry.put("file", file.path()).put("sha256", file.sha256()));
            ArrayNode arguments = entry.putArray("arguments");
            need.arguments().forEach(arguments::add);
            ArrayNode codes = entry.putArray("okExitCodes");
            need.okExitCodes().forEach(codes::add);
            entry.put("required", need.isRequired());
        }
        return Json.bytes(json);
    }

    /// Reads one. Fields must be of their form; unknown ones of a newer version are passed over, since what is signed
    /// was written by a program that knew them.
    ///
    /// Throws [IllegalArgumentException] if it is none.
    static Manifest parse(byte[] bytes) {
        try {
            JsonNode json = Json.parse(bytes);
            List<PackageFile> files = new ArrayList<>();
            for (JsonNode file : list(json, "files")) {
                files.add(
                        new PackageFile(
                                text(file, "path"), number(file, "bytes"), text(file, "sha256")));
            }
            Map<String, Integer> verbs = new LinkedHashMap<>();
            JsonNode limits = json.required("verbs");
            require(limits.isObject(), "verbs", limits.toString());
            for (Map.Entry<String, JsonNode> verb : limits.properties()) {
                verbs.put(verb.getKey(), Math.toIntExact(number(limits, verb.getKey())));
            }
            List<Prerequisite> prerequisites = new ArrayList<>();
            for (JsonNode need : list(json, "prerequisites")) {
                prerequisites.add(prerequisite(need, files));
            }
            return new Manifest(
                    ExtensionType.byId(text(json, "type"))
                            .orElseThrow(() -> new IllegalArgumentException("type")),
                    text(json, "publisher"),
                    ExtensionVersion.parse(text(json, "version"))
                            .orElseThrow(() -> new IllegalArgumentException("version")),
                    text(json, "os"),
                    text(json, "architecture"),
                    text(json, "executable"),
                    files,
                    verbs,
                    prerequisites);
        } catch (JacksonException | ArithmeticException e) {
            throw new IllegalArgumentException(e.getMessage(), e);
        }
    }

    private static Prerequisite prerequisite(JsonNode json, List<PackageFile> files) {
        Optional<PackageFile> file = Optional.empty();
        if (json.has("file")) {
            String path = text(json, "file");
            String sha256 = text(json, "sha256");
            file =
                    files.stream()
                            .filter(one -> one.path().equals(path) && one.sha256().equals(sha256))
                            .findFirst();
            require(file.isPresent(), "file", path);
        }
        List<String> arguments = new ArrayList<>();
        for (JsonNode argument : list(json, "arguments")) {
            require(argument.isString(), "arguments", argument.toString());
            arguments.add(argument.asString());
        }
        List<Integer> codes = new ArrayList<>();
        for (JsonNode code : list(json, "okExitCodes")) {
            require(code.isIntegralNumber() && code.canConvertToInt(), "okExitCodes", "" + code);
            codes.add(code.asInt());
        }
        JsonNode required = json.required("required");
        require(required.isBoolean(), "required", required.toString());
        return new Prerequisite(
                text(json, "id"),
                text(json, "version"),
                file,
                arguments,
                codes,
                required.asBoolean());
    }

    private static JsonNode list(JsonNode json, String field) {
        JsonNode value = json.required(field);
        require(value.isArray(), field, value.toString());
        return value;
    }

    private static String text(JsonNode json, String field) {
        JsonNode value = json.required(field);
        require(value.isString(), field, value.toString());
        return value.asString();
    }

    private static long number(JsonNode json, String field) {
        JsonNode value = json.required(field);
        require(value.isIntegralNumber() && value.canConvertToLong(), field, value.toString());
        return value.asLong();
    }
}
