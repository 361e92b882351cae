package io.bardstream.tokenizer;

import java.util.Arrays;

/**
 * Finds the pair to merge next: the most frequent, and of equals the one whose first occurrence comes first.
 *
 * <p>A heap whose order is repaired lazily. Once a merge is done, a pair's count can only fall and its first occurrence
 * only move back, so what the heap remembers of a pair is never worse than the truth: the one on top is right when the
 * truth about it is still what is remembered.
 */
final class MostFrequentPair {

    private final Segmentation text;
    private final PairCounts pairs;

    private int[] heap = new int[1 << 12];
    private int size;

    // What is remembered of each pair.
    private long[] counts = new long[1 << 13];
    private int[] firsts = new int[1 << 13];

    /** For each pair, how many of its places are known to be out of date. */
    private int[] passed = new int[1 << 13];

    MostFrequentPair(Segmentation text, PairCounts pairs) {
        this.text = text;
        this.pairs = pairs;
    }

    /** Takes in the pairs from this index on. Those that occur once only never come up. */
    void addAll(int from) {
        int known = pairs.size();
        if (known > counts.length) {
            int capacity = Math.max(known, 2 * counts.length);
            counts = Arrays.copyOf(counts, capacity);
            firsts = Arrays.copyOf(firsts, capacity);
            passed = Arrays.copyOf(passed, capacity);
        }
        for (int pair = from; pair < known; pair++) {
            if (pairs.count(pair) < 2) {
                pairs.drop(pair);
                continue;
            }
            counts[pair] = pairs.count(pair);
            firsts[pair] = first(pair);
            if (size == heap.length) {
                heap = Arrays.copyOf(heap, 2 * size);
            }
            swim(size++, pair);
        }
    }

    /** Removes the pair to merge next; −1 when none occurs twice. */
    int take() {
        while (size > 0) {
            int pair = heap[0];
            long count = pairs.count(pair);
            if (count < 2) {
                pairs.drop(pair);
                removeTop();
                continue;
            }
            int first = first(pair);
            if (count == counts[pair] && first == firsts[pair]) {
                removeTop();
                return pair;
            }
            counts[pair] = count;
            firsts[pair] = first;
            sink(0, pair);
        }
        return -1;
    }

    /** The first place where the pair stands. */
    private int first(int pair) {
        int[] places = pairs.places(pair);
        int at = passed[pair];
        while (!text.holds(places[at], pairs.left(pair), pairs.right(pair))) {
            at++;
        }
        passed[pair] = at;
        return places[at];
    }

    private boolean comesBefore(int pair, int other) {
        return counts[pair] > counts[other] || (counts[pair] == counts[other] && firsts[pair] < firsts[other]);
    }

    private void removeTop() {
        int moved = heap[--size];
        if (size > 0) {
            sink(0, moved);
        }
    }

    private void swim(int from, int pair) {
        int hole = from;
        while (hole > 0) {
            int parent = (hole - 1) / 2;
            if (comesBefore(heap[parent], pair)) {
                break;
            }
            heap[hole] = heap[parent];
            hole = parent;
        }
        heap[hole] = pair;
    }

    private void sink(int from, int pair) {
        int hole = from;
        while (2 * hole + 1 < size) {
            int child = 2 * hole + 1;
            if (child + 1 < size && comesBefore(heap[child + 1], heap[child])) {
                child++;
            }
            if (!comesBefore(heap[child], pair)) {
                break;
            }
            heap[hole] = heap[child];
            hole = child;
        }
        heap[hole] = pair;
    }
}
