package io.bardstream.tokenizer;

import java.util.Arrays;

/**
 * The distinct pieces of a text in the order of their first appearance, with how often each occurs: all that training
 * keeps of a text. A hash table with open addressing over one array of bytes.
 */
final class WordCounts {

    private byte[] bytes = new byte[1 << 16];
    private int[] ends = new int[1 << 12];
    private long[] counts = new long[1 << 12];
    private int[] hashes = new int[1 << 12];
    private int size;

    /** Indices of words plus one; 0 is an empty slot. At most half full. */
    private int[] table = new int[1 << 13];

    int size() {
        return size;
    }

    int start(int word) {
        return word == 0 ? 0 : ends[word - 1];
    }

    int end(int word) {
        return ends[word];
    }

    long count(int word) {
        return counts[word];
    }

    /** All words, one after the other. */
    byte[] bytes() {
        return bytes;
    }

    /** Counts the current piece once more. */
    void add(Pieces pieces) {
        int from = pieces.start();
        int to = pieces.end();
        int hash = hash(pieces);
        int slot = hash & (table.length - 1);
        for (; table[slot] != 0; slot = (slot + 1) & (table.length - 1)) {
            int word = table[slot] - 1;
            if (hashes[word] == hash && Arrays.equals(bytes, start(word), ends[word], pieces.utf8(), from, to)) {
                counts[word]++;
                return;
            }
        }
        int start = size == 0 ? 0 : ends[size - 1];
        if (to - from > Integer.MAX_VALUE - 8 - start) {
            throw new IllegalStateException("The distinct words of the text take more than 2 GiB; train on less of it");
        }
        if (start + (to - from) > bytes.length) {
            bytes = Arrays.copyOf(bytes, grown(bytes.length, start + (to - from)));
        }
        System.arraycopy(pieces.utf8(), from, bytes, start, to - from);
        if (size == ends.length) {
            int capacity = grown(size, size + 1);
            ends = Arrays.copyOf(ends, capacity);
            counts = Arrays.copyOf(counts, capacity);
            hashes = Arrays.copyOf(hashes, capacity);
        }
        ends[size] = start + (to - from);
        counts[size] = 1;
        hashes[size] = hash;
        table[slot] = ++size;
        if (2L * size > table.length) {
            rehash();
        }
    }

    private void rehash() {
        table = new int[2 * table.length];
        for (int word = 0; word < size; word++) {
            int slot = hashes[word] & (table.length - 1);
            while (table[slot] != 0) {
                slot = (slot + 1) & (table.length - 1);
            }
            table[slot] = word + 1;
        }
    }

    private static int hash(Pieces pieces) {
        long hash = (long) pieces.end() - pieces.start();
        for (int at = pieces.start(); at < pieces.end(); at += 8) {
            hash = (hash ^ pieces.word(at)) * 0x9E3779B97F4A7C15L;
            hash ^= hash >>> 32;
        }
        return (int) hash;
    }

    private static int grown(int capacity, int needed) {
        return (int) Math.min(Integer.MAX_VALUE - 8, Math.max(needed, capacity * 3L / 2));
    }
}
