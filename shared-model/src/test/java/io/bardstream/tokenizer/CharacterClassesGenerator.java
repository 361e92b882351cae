package io.bardstream.tokenizer;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.IntPredicate;
import java.util.regex.Pattern;

/**
 * Writes {@link CharacterClasses#RESOURCE} from the tables of the JDK it runs on: one of Unicode 16.0, JDK 24 or 25.
 *
 * <p>{@code main} takes the file to write.
 */
final class CharacterClassesGenerator {

    private static final String HEADER = """
            # The characters of GPT-2's split pattern by Unicode 16.0: L letter (\\p{L}), N number (\\p{N}), S white space (White_Space).
            # A line is a class and a range of code points, both ends included. Written by CharacterClassesGenerator (test sources).
            """;

    private CharacterClassesGenerator() {}

    public static void main(String[] args) throws IOException {
        Files.writeString(Path.of(args[0]), generate());
    }

    static String generate() {
        StringBuilder lines = new StringBuilder(HEADER);
        append(lines, 'L', Character::isLetter);
        append(lines, 'N', CharacterClassesGenerator::isNumber);
        append(lines, 'S', CharacterClassesGenerator::isSpace);
        return lines.toString();
    }

    static boolean isNumber(int codePoint) {
        return switch (Character.getType(codePoint)) {
            case Character.DECIMAL_DIGIT_NUMBER, Character.LETTER_NUMBER, Character.OTHER_NUMBER -> true;
            default -> false;
        };
    }

    private static final Pattern WHITE_SPACE = Pattern.compile("\\p{IsWhite_Space}");

    static boolean isSpace(int codePoint) {
        return codePoint <= Character.MAX_VALUE
                && WHITE_SPACE.matcher(String.valueOf((char) codePoint)).matches();
    }

    private static void append(StringBuilder lines, char name, IntPredicate member) {
        int first = -1;
        for (int codePoint = 0; codePoint <= Character.MAX_CODE_POINT + 1; codePoint++) {
            boolean in = codePoint <= Character.MAX_CODE_POINT && member.test(codePoint);
            if (in && first < 0) {
                first = codePoint;
            } else if (!in && first >= 0) {
                lines.append(
                        String.format("%c %x %x%n", name, first, codePoint - 1).replace("\r", ""));
                first = -1;
            }
        }
    }
}
