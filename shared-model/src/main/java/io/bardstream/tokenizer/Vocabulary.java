package io.bardstream.tokenizer;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What a tokenizer has learned: the bytes of each id, the merges in the order in which they apply, and the special
 * tokens. Immutable; valid by construction.
 */
final class Vocabulary {

    /** Ids are kept in 20 bits where speed needs it; the largest vocabularies in use have 262,144. */
    static final int LARGEST = 1 << 20;

    /** One merge: the ids {@code left} and {@code right}, side by side, become {@code merged}. */
    record Merge(int left, int right, int merged) {}

    private final byte[] bytes;
    private final int[] offsets;
    private final int[] idOfByte;
    private final List<Merge> merges;
    private final Map<String, Integer> specials;

    /**
     * @param tokens the bytes of each id; among them each single byte
     * @param merges each of two tokens into one whose bytes are theirs
     * @param specials ids that stand for no bytes of a text, by their content, in the order of the ids
     */
    Vocabulary(List<byte[]> tokens, List<Merge> merges, Map<String, Integer> specials) {
        this.offsets = new int[tokens.size() + 1];
        for (int id = 0; id < tokens.size(); id++) {
            offsets[id + 1] = offsets[id] + tokens.get(id).length;
        }
        this.bytes = new byte[offsets[tokens.size()]];
        this.idOfByte = new int[256];
        Arrays.fill(idOfByte, -1);
        for (int id = 0; id < tokens.size(); id++) {
            byte[] token = tokens.get(id);
            System.arraycopy(token, 0, bytes, offsets[id], token.length);
            if (token.length == 1 && !specials.containsValue(id)) {
                idOfByte[token[0] & 0xFF] = id;
            }
        }
        this.merges = List.copyOf(merges);
        this.specials = Collections.unmodifiableMap(new LinkedHashMap<>(specials));
    }

    /** A vocabulary in our own order, which is GPT-2's: the 256 bytes, the merges, the special tokens. */
    static Vocabulary of(int[] left, int[] right, List<String> specials) {
        byte[][] tokens = new byte[256 + left.length + specials.size()][];
        for (int id = 0; id < 256; id++) {
            tokens[id] = new byte[] {ByteAlphabet.byteOfId(id)};
        }
        Merge[] merges = new Merge[left.length];
        for (int i = 0; i < left.length; i++) {
            byte[] a = tokens[left[i]];
            byte[] b = tokens[right[i]];
            byte[] joined = Arrays.copyOf(a, a.length + b.length);
            System.arraycopy(b, 0, joined, a.length, b.length);
            tokens[256 + i] = joined;
            merges[i] = new Merge(left[i], right[i], 256 + i);
        }
        Map<String, Integer> ids = new LinkedHashMap<>();
        for (String special : specials) {
            int id = 256 + left.length + ids.size();
            ids.put(special, id);
            tokens[id] = special.getBytes(StandardCharsets.UTF_8);
        }
        return new Vocabulary(Arrays.asList(tokens), Arrays.asList(merges), ids);
    }

    /** This vocabulary with more special tokens behind its last id. */
    Vocabulary withSpecials(List<String> added) {
        List<byte[]> tokens = new ArrayList<>(size() + added.size());
        for (int id = 0; id < size(); id++) {
            tokens.add(bytesOf(id));
        }
        Map<String, Integer> ids = new LinkedHashMap<>(specials);
        for (String special : added) {
            ids.put(special, tokens.size());
            tokens.add(special.getBytes(StandardCharsets.UTF_8));
        }
        return new Vocabulary(tokens, merges, ids);
    }

    int size() {
        return offsets.length - 1;
    }

    /** The id of a single byte, 0 to 255. */
    int idOfByte(int value) {
        return idOfByte[value];
    }

    int length(int id) {
        return offsets[id + 1] - offsets[id];
    }

    /** Copies the bytes of an id and returns the place behind them. */
    int copy(int id, byte[] into, int at) {
        int length = length(id);
        System.arraycopy(bytes, offsets[id], into, at, length);
        return at + length;
    }

    byte[] bytesOf(int id) {
        return Arrays.copyOfRange(bytes, offsets[id], offsets[id + 1]);
    }

    List<Merge> merges() {
        return merges;
    }

    Map<String, Integer> specials() {
        return specials;
    }
}
