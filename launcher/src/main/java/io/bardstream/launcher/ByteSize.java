package io.bardstream.launcher;

import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Reads a size: a number of bytes, or one with kB, MB or GB (powers of 1,000) behind it. */
final class ByteSize implements ITypeConverter<Long> {
    private static final Pattern SIZE = Pattern.compile("(\\d{1,15}(?:\\.\\d+)?) ?([KMG]?)B?");
    private static final String UNITS = "KMG";

    @Override
    public Long convert(String text) {
        Matcher size = SIZE.matcher(text.strip().toUpperCase(Locale.ROOT));
        if (!size.matches()) {
            throw new TypeConversionException("'" + text + "' is no size; give one such as 8GB or 700MB");
        }
        int thousands = size.group(2).isEmpty() ? 0 : 1 + UNITS.indexOf(size.group(2));
        return Math.round(Double.parseDouble(size.group(1)) * Math.pow(1_000, thousands));
    }
}
