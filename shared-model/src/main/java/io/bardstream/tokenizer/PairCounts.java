package io.bardstream.tokenizer;

import java.util.Arrays;

/**
 * The pairs of neighbours seen in training: how often each occurs, and the places in the distinct words where it came
 * about, in ascending order. A place may be out of date: the pair there may have been merged away since.
 */
final class PairCounts {

    private static final int[] NO_PLACES = {};

    /** Indices of pairs plus one; 0 is an empty slot. At most half full. */
    private int[] table = new int[1 << 15];

    private long[] keys = new long[1 << 13];
    private long[] counts = new long[1 << 13];
    private int[][] places = new int[1 << 13][];
    private int[] placeCounts = new int[1 << 13];
    private int size;

    int size() {
        return size;
    }

    int left(int pair) {
        return (int) (keys[pair] >>> 32);
    }

    int right(int pair) {
        return (int) keys[pair];
    }

    long count(int pair) {
        return counts[pair];
    }

    /** The first {@link #placeCount} entries are the pair's places. */
    int[] places(int pair) {
        return places[pair];
    }

    int placeCount(int pair) {
        return placeCounts[pair];
    }

    /** Forgets the places of a pair that will not be asked for again. */
    void drop(int pair) {
        places[pair] = NO_PLACES;
        placeCounts[pair] = 0;
    }

    /** The pair came about {@code times} times, at a place behind all its earlier ones. */
    void add(int left, int right, long times, int place) {
        int pair = find(left, right);
        counts[pair] += times;
        int count = placeCounts[pair];
        if (count == places[pair].length) {
            places[pair] =
                    Arrays.copyOf(places[pair], count < 4 ? 4 : (int) Math.min(Integer.MAX_VALUE - 8, count * 2L));
        }
        places[pair][count] = place;
        placeCounts[pair] = count + 1;
    }

    /** The pair is gone from {@code times} places. */
    void remove(int left, int right, long times) {
        counts[find(left, right)] -= times;
    }

    private int find(int left, int right) {
        long key = ((long) left << 32) | right;
        int slot = slot(key);
        for (; table[slot] != 0; slot = (slot + 1) & (table.length - 1)) {
            int pair = table[slot] - 1;
            if (keys[pair] == key) {
                return pair;
            }
        }
        if (size == keys.length) {
            keys = Arrays.copyOf(keys, 2 * size);
            counts = Arrays.copyOf(counts, 2 * size);
            places = Arrays.copyOf(places, 2 * size);
            placeCounts = Arrays.copyOf(placeCounts, 2 * size);
        }
        int pair = size++;
        keys[pair] = key;
        places[pair] = NO_PLACES;
        table[slot] = size;
        if (2 * size > table.length) {
            rehash();
        }
        return pair;
    }

    private void rehash() {
        table = new int[2 * table.length];
        for (int pair = 0; pair < size; pair++) {
            int slot = slot(keys[pair]);
            while (table[slot] != 0) {
                slot = (slot + 1) & (table.length - 1);
            }
            table[slot] = pair + 1;
        }
    }

    private int slot(long key) {
        return (int) ((key * 0x9E3779B97F4A7C15L) >>> 40) & (table.length - 1);
    }
}
