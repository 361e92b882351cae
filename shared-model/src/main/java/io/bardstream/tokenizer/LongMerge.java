package io.bardstream.tokenizer;

/**
 * Merges one long piece in n log n: symbols in a linked list over the places of their first bytes, candidate pairs in
 * a heap ordered by rank and then by place. A candidate whose pair has changed since is dropped when it comes up.
 */
final class LongMerge {

    private final MergeTable merges;
    private final int length;
    private final int[] symbol;
    private final int[] next;
    private final int[] previous;

    /** The rank of the pair that begins here, {@link MergeTable#NONE} where none does. */
    private final int[] rank;

    /** A binary heap of candidates, the rank in the upper half of the long, the place in the lower. */
    private final long[] heap;

    private int size;

    LongMerge(MergeTable merges, byte[] utf8, int start, int length) {
        this.merges = merges;
        this.length = length;
        symbol = new int[length];
        next = new int[length];
        previous = new int[length];
        rank = new int[length];
        // A merge takes one candidate off and puts at most two on, so there are never more than two for each byte.
        heap = new long[2 * length];
        for (int i = 0; i < length; i++) {
            symbol[i] = merges.idOfByte(utf8[start + i]);
            next[i] = i + 1;
            previous[i] = i - 1;
            rank[i] = i + 1 < length ? merges.rankOfBytes(utf8[start + i], utf8[start + i + 1]) : MergeTable.NONE;
            if (rank[i] != MergeTable.NONE) {
                heap[size++] = candidate(i);
            }
        }
        for (int i = size / 2 - 1; i >= 0; i--) {
            sink(i, heap[i]);
        }
    }

    /** Writes the ids and returns how many. */
    int run(int[] into, int offset) {
        while (size > 0) {
            long best = heap[0];
            long moved = heap[--size];
            if (size > 0) {
                sink(0, moved);
            }
            int at = (int) best;
            if (rank[at] == (int) (best >>> 32)) {
                merge(at);
            }
        }
        int count = 0;
        for (int i = 0; i < length; i = next[i]) {
            into[offset + count++] = symbol[i];
        }
        return count;
    }

    private void merge(int at) {
        int gone = next[at];
        symbol[at] = merges.merged(rank[at]);
        rank[gone] = MergeTable.NONE;
        next[at] = next[gone];
        if (next[at] < length) {
            previous[next[at]] = at;
        }
        look(at);
        if (previous[at] >= 0) {
            look(previous[at]);
        }
    }

    /** Looks the pair that begins here up again. */
    private void look(int at) {
        rank[at] = next[at] < length ? merges.rank(symbol[at], symbol[next[at]]) : MergeTable.NONE;
        if (rank[at] != MergeTable.NONE) {
            swim(size++, candidate(at));
        }
    }

    private long candidate(int at) {
        return ((long) rank[at] << 32) | at;
    }

    private void swim(int from, long candidate) {
        int hole = from;
        while (hole > 0) {
            int parent = (hole - 1) / 2;
            if (heap[parent] <= candidate) {
                break;
            }
            heap[hole] = heap[parent];
            hole = parent;
        }
        heap[hole] = candidate;
    }

    private void sink(int from, long candidate) {
        int hole = from;
        while (2 * hole + 1 < size) {
            int child = 2 * hole + 1;
            if (child + 1 < size && heap[child + 1] < heap[child]) {
                child++;
            }
            if (heap[child] >= candidate) {
                break;
            }
            heap[hole] = heap[child];
            hole = child;
        }
        heap[hole] = candidate;
    }
}
