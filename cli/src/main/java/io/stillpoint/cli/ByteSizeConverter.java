package io.stillpoint.cli;

import io.stillpoint.platform.ByteSize;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/// Sizes in arguments, such as `20G`.
final class ByteSizeConverter implements ITypeConverter<ByteSize> {
    @Override
    public ByteSize convert(String text) {
        if (text.isBlank()) {
            throw new TypeConversionException(Output.text("usage.empty"));
        }
        try {
            return ByteSize.parse(text);
        } catch (IllegalArgumentException e) {
            throw new TypeConversionException(e.getMessage());
        }
    }
}
