package io.bardstream.tokenizer;

import java.util.Arrays;

/**
 * GPT-2's printable spelling of bytes, in which vocabulary files are written: visible Latin-1 characters stand for
 * themselves, the other 68 bytes for U+0100 onwards (a blank is Ġ, a newline Ċ). Ids 0 to 255 are the bytes in the
 * order of these characters' code points.
 */
final class ByteAlphabet {

    private static final char[] CHARACTER_OF = new char[256];
    private static final short[] BYTE_OF = new short[0x100 + 68];

    /** The byte of each of the ids 0 to 255. */
    private static final byte[] BYTE_OF_ID = new byte[256];

    static {
        char next = 0x100;
        for (int b = 0; b < 256; b++) {
            boolean visible = (b >= '!' && b <= '~') || (b >= 0xA1 && b <= 0xAC) || b >= 0xAE;
            CHARACTER_OF[b] = visible ? (char) b : next++;
        }
        Arrays.fill(BYTE_OF, (short) -1);
        for (int b = 0; b < 256; b++) {
            BYTE_OF[CHARACTER_OF[b]] = (short) b;
        }
        int id = 0;
        for (short b : BYTE_OF) {
            if (b >= 0) {
                BYTE_OF_ID[id++] = (byte) b;
            }
        }
    }

    private ByteAlphabet() {}

    /** The byte that an id of 0 to 255 stands for in a vocabulary whose ids begin with the bytes. */
    static byte byteOfId(int id) {
        return BYTE_OF_ID[id];
    }

    static String spell(byte[] bytes) {
        StringBuilder spelled = new StringBuilder(bytes.length);
        for (byte b : bytes) {
            spelled.append(CHARACTER_OF[b & 0xFF]);
        }
        return spelled.toString();
    }

    /** The bytes that are spelled so, or null if a character of it stands for no byte. */
    static byte[] bytes(String spelled) {
        byte[] bytes = new byte[spelled.length()];
        for (int i = 0; i < bytes.length; i++) {
            char c = spelled.charAt(i);
            if (c >= BYTE_OF.length || BYTE_OF[c] < 0) {
                return null;
            }
            bytes[i] = (byte) BYTE_OF[c];
        }
        return bytes;
    }
}
