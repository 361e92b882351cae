package io.bardstream.sample;

import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;

/**
 * UTF-8 to text, piece by piece, never half a character: the bytes of an unfinished one wait for the rest. What cannot
 * become a character turns into U+FFFD, so all pieces together equal {@code new String(bytes, UTF_8)}.
 */
final class Utf8Decoder {
    private final CharsetDecoder decoder = StandardCharsets.UTF_8
            .newDecoder()
            .onMalformedInput(CodingErrorAction.REPLACE)
            .onUnmappableCharacter(CodingErrorAction.REPLACE);
    private ByteBuffer waiting = ByteBuffer.allocate(0);

    /** The text these bytes complete. */
    String decode(byte[] bytes) {
        return decode(bytes, false);
    }

    /** The text of what still waits. Nothing may be decoded afterwards. */
    String finish() {
        return decode(new byte[0], true);
    }

    private String decode(byte[] bytes, boolean last) {
        ByteBuffer in = ByteBuffer.allocate(waiting.remaining() + bytes.length);
        in.put(waiting).put(bytes).flip();
        CharBuffer out = CharBuffer.allocate(in.remaining() + 1);
        decoder.decode(in, out, last);
        if (last) {
            decoder.flush(out);
        }
        waiting = in.slice();
        return out.flip().toString();
    }
}
