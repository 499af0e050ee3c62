package io.stillpoint.cli;

import io.stillpoint.hypervisor.images.ImageFile;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/// `FILE[,format=FORMAT][,name=NAME][,secret=FILE]`. A comma that no `word=` follows is a part of the file's name.
final class ImageConverter implements ITypeConverter<ImageFile> {
    private static final Pattern LAST = Pattern.compile("(.*),([a-z]+)=([^,]*)", Pattern.DOTALL);

    @Override
    public ImageFile convert(String text) {
        Matcher last = LAST.matcher(text);
        if (!last.matches()) {
            return ImageFile.of(Path.of(text));
        }
        ImageFile image = convert(last.group(1));
        String value = last.group(3);
        if (value.isBlank()) {
            throw problem("image.empty-option", text, last.group(2));
        }
        return switch (last.group(2)) {
            case "format" -> image.withFormat(value);
            case "name" -> image.withName(value);
            case "secret" -> image.withSecret(Path.of(value));
            default -> throw problem("image.no-option", text, last.group(2));
        };
    }

    private static TypeConversionException problem(String key, String text, String option) {
        return new TypeConversionException(Output.text(key, text, option));
    }
}
