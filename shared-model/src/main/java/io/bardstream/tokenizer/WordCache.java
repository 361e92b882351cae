package io.bardstream.tokenizer;

/**
 * Remembers the ids of short words, shared by all threads without a lock: slots hold immutable entries, so a race at
 * worst forgets one. Bounded by entries and by the length of a word (about 8 MB when full of the longest): a word has
 * two slots, and of two that compete the one not put in last goes.
 */
final class WordCache {

    /** Words of more bytes than this are not kept. */
    static final int LONGEST = 16;

    static final int ENTRIES = 1 << 16;

    /** A word of up to sixteen bytes in two little-endian longs, filled up with zeroes, and its ids. */
    private static final class Entry {
        final long head;
        final long tail;
        final int length;
        final int[] tokens;

        Entry(long head, long tail, int length, int[] tokens) {
            this.head = head;
            this.tail = tail;
            this.length = length;
            this.tokens = tokens;
        }

        boolean is(long head, long tail, int length) {
            return this.head == head && this.tail == tail && this.length == length;
        }
    }

    private final Entry[] entries = new Entry[ENTRIES];

    /** The ids of a word, not to be changed; null if it is not here. */
    int[] find(long head, long tail, int length) {
        int slot = slot(head, tail);
        Entry entry = entries[slot];
        if (entry != null && entry.is(head, tail, length)) {
            return entry.tokens;
        }
        entry = entries[slot ^ 1];
        return entry != null && entry.is(head, tail, length) ? entry.tokens : null;
    }

    void put(long head, long tail, int length, int[] tokens) {
        int slot = slot(head, tail);
        entries[slot ^ 1] = entries[slot];
        entries[slot] = new Entry(head, tail, length, tokens);
    }

    private static int slot(long head, long tail) {
        long mixed = head * 0x9E3779B97F4A7C15L + tail;
        mixed = (mixed ^ mixed >>> 32) * 0xC2B2AE3D27D4EB4FL;
        return (int) (mixed >>> 48) & ENTRIES - 1;
    }
}
