package io.bardstream.corpus;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import io.bardstream.event.InvalidFieldException;
import io.bardstream.service.ApiException;
import io.bardstream.service.JsonLines;
import io.bardstream.tokenizer.Conversation;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.Collectors;

/**
 * Reads a file of instructions, a JSON array or JSON lines, entry by entry, and writes the good ones as one conversation a
 * line. Of a file one entry at a time is in memory.
 */
final class InstructionFile {
    /** An entry that was left out: its number from 1, which of JSON lines is its line, and why. */
    record Problem(long entry, String reason) {}

    /**
     * What a file held.
     *
     * @param entries conversations that were kept
     * @param skipped entries that were not
     * @param problems the first of those
     */
    record Result(long entries, long skipped, List<Problem> problems) {}

    private static final int PROBLEMS_KEPT = 100;
    private static final int PROBLEMS_SAID = 10;

    private static final JsonFactory ARRAY = JsonFactory.builder()
            .disable(JsonFactory.Feature.CHARSET_DETECTION) // so that places are counted in bytes
            .build();

    private static final byte[] BYTE_ORDER_MARK = {(byte) 0xEF, (byte) 0xBB, (byte) 0xBF};

    /** Makes a conversation of an entry, or says by an {@link InvalidFieldException} why it cannot. */
    @FunctionalInterface
    interface Form {
        Conversation parse(byte[] entry);
    }

    private final Path file;
    private final Form form;
    private final Consumer<byte[]> into;
    private final List<Problem> problems = new ArrayList<>();
    private long begin; // bytes before the text
    private long entries;
    private long skipped;

    private InstructionFile(Path file, Form form, Consumer<byte[]> into) {
        this.file = file;
        this.form = form;
        this.into = into;
    }

    /**
     * Converts a file.
     *
     * @param form of its entries
     * @param into takes each conversation as a line of JSON
     * @param field the field of the request that brought it, for errors
     * @throws ApiException 400, if it holds no good entry, or with {@link OnError#REFUSE} a bad one, naming the first of those
     */
    static Result convert(Path file, Form form, Consumer<byte[]> into, OnError onError, String field)
            throws IOException {
        InstructionFile conversion = new InstructionFile(file, form, into);
        int first = conversion.firstByte();
        if (first == '[') {
            conversion.array(field);
        } else {
            conversion.lines();
        }
        Result result = new Result(conversion.entries, conversion.skipped, List.copyOf(conversion.problems));
        if (result.entries() == 0 && result.skipped() == 0) {
            throw new InvalidFieldException(field, "holds no entries");
        }
        if (result.entries() == 0 || (result.skipped() > 0 && onError == OnError.REFUSE)) {
            throw new ApiException(400, field + ": " + refusal(result), field, "bad_entries");
        }
        return result;
    }

    private static String refusal(Result result) {
        String said = result.problems().stream()
                .limit(PROBLEMS_SAID)
                .map(problem -> "entry " + problem.entry() + ": " + problem.reason())
                .collect(Collectors.joining("; "));
        String more = result.skipped() > PROBLEMS_SAID ? "; and " + (result.skipped() - PROBLEMS_SAID) + " others" : "";
        return "%d of %d entries cannot be taken: %s%s. Correct them%s"
                .formatted(
                        result.skipped(),
                        result.entries() + result.skipped(),
                        said,
                        more,
                        result.entries() == 0 ? "." : ", or say on_error=skip to go on without them.");
    }

    /** The first byte that is not white space or a byte order mark; -1 if there is none. */
    private int firstByte() throws IOException {
        try (InputStream in = open()) {
            int b = in.read();
            while (b == ' ' || b == '\t' || b == '\r' || b == '\n') {
                b = in.read();
            }
            return b;
        }
    }

    /** The file behind its byte order mark, if it has one. */
    private InputStream open() throws IOException {
        BufferedInputStream in = new BufferedInputStream(Files.newInputStream(file), 1 << 16);
        in.mark(BYTE_ORDER_MARK.length);
        if (!Arrays.equals(in.readNBytes(BYTE_ORDER_MARK.length), BYTE_ORDER_MARK)) {
            in.reset();
        } else {
            begin = BYTE_ORDER_MARK.length;
        }
        return in;
    }

    private void array(String field) throws IOException {
        try (JsonParser parser = ARRAY.createParser(open());
                FileChannel bytes = FileChannel.open(file, StandardOpenOption.READ)) {
            parser.nextToken();
            long number = 0;
            for (JsonToken token = parser.nextToken(); token != JsonToken.END_ARRAY; token = parser.nextToken()) {
                number++;
                long start = begin + parser.currentTokenLocation().getByteOffset();
                parser.skipChildren();
                if (token == JsonToken.START_OBJECT) {
                    entry(
                            number,
                            slice(bytes, start, begin + parser.currentLocation().getByteOffset()));
                } else {
                    bad(number, "is not an object");
                }
            }
            if (parser.nextToken() != null) {
                throw new InvalidFieldException(field, "goes on after the end of its list");
            }
        } catch (JsonProcessingException e) {
            throw new InvalidFieldException(
                    field,
                    "is not JSON: " + e.getOriginalMessage() + " (line "
                            + e.getLocation().getLineNr() + ", column "
                            + e.getLocation().getColumnNr() + ")");
        }
    }

    /** The bytes of an entry, or null where they are too many. */
    private static byte[] slice(FileChannel bytes, long start, long end) throws IOException {
        if (end - start > JsonLines.LONGEST) {
            return null;
        }
        ByteBuffer buffer = ByteBuffer.allocate((int) (end - start));
        while (buffer.hasRemaining() && bytes.read(buffer, start + buffer.position()) >= 0) {
            // until all is read
        }
        return buffer.array();
    }

    private void lines() throws IOException {
        try (InputStream in = open()) {
            JsonLines.read(in, this::entry);
        }
    }

    private void entry(long number, byte[] json) throws IOException {
        if (json == null) {
            bad(number, "has more than " + JsonLines.LONGEST + " bytes");
            return;
        }
        Conversation conversation;
        try {
            conversation = form.parse(json);
        } catch (InvalidFieldException e) {
            if (number != 1 || !Instruction.isHeader(json)) {
                bad(number, e.getMessage().replaceFirst("^entry: ", ""));
            }
            return;
        }
        into.accept(Instruction.line(conversation));
        entries++;
    }

    private void bad(long number, String reason) {
        skipped++;
        if (problems.size() < PROBLEMS_KEPT) {
            problems.add(new Problem(number, reason));
        }
    }
}
