package io.bardstream.tokenizer;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/**
 * Remembers the ids of short words. All threads share it without waiting for each other: an entry is a sequence lock
 * in one array of longs (4 MB), so a lookup touches a cache line or two and makes no garbage. A reader that meets a
 * writer finds nothing; a writer that meets a writer lets it go. Words longer than {@link #LONGEST} bytes or of more
 * than {@link #MOST} ids are not kept; a word has two places, and of two that compete one goes.
 */
final class WordCache {

    /** The most bytes of a word that is kept. */
    static final int LONGEST = 16;

    /** The most ids of a word that is kept. */
    static final int MOST = 10;

    private static final int ENTRIES = 1 << 16;

    // An entry of eight longs: state, the word in two little-endian longs filled up with zeroes, ten ids.
    private static final int WIDTH_BITS = 3;
    private static final int HEAD = 1;
    private static final int TAIL = 2;
    private static final int IDS = 3;

    // The state: how many ids (bits 0–7), how many bytes (8–15), and a version (16–63), odd while someone writes.
    private static final int LENGTH_SHIFT = 8;
    private static final long VERSION = 1L << 16;

    private static final VarHandle STATE = MethodHandles.arrayElementVarHandle(long[].class);

    private final long[] entries = new long[ENTRIES << WIDTH_BITS];

    /**
     * Copies the ids of a word, and up to one place more.
     *
     * @return how many they are; 0 if the word is not here
     */
    int find(long head, long tail, int length, int[] into, int at) {
        int entry = entry(head, tail);
        int found = read(entry, head, tail, length, into, at);
        return found > 0 ? found : read(other(entry), head, tail, length, into, at);
    }

    private int read(int entry, long head, long tail, int length, int[] into, int at) {
        long[] entries = this.entries;
        long state = (long) STATE.getAcquire(entries, entry);
        if (entries[entry + HEAD] != head
                || entries[entry + TAIL] != tail
                || (state >>> LENGTH_SHIFT & 0xFF) != length
                || (state & VERSION) != 0) {
            return 0;
        }
        int count = (int) state & 0xFF;
        for (int i = 0; i < count; i += 2) {
            long two = entries[entry + IDS + (i >> 1)];
            into[at + i] = (int) two;
            into[at + i + 1] = (int) (two >>> 32);
        }
        VarHandle.acquireFence();
        return (long) STATE.getOpaque(entries, entry) == state ? count : 0;
    }

    /** Keeps the ids of a word that was not found. */
    void put(long head, long tail, int length, int[] tokens, int from, int count) {
        if (count > MOST) {
            return;
        }
        int entry = entry(head, tail);
        long state = (long) STATE.getOpaque(entries, entry);
        long otherState = (long) STATE.getOpaque(entries, other(entry));
        // The first free place; when both are taken each in turn, as their versions grow.
        if (state != 0 && (otherState == 0 || ((state + otherState) & 2 * VERSION) != 0)) {
            entry = other(entry);
            state = otherState;
        }
        if ((state & VERSION) != 0 || !STATE.compareAndSet(entries, entry, state, state + VERSION)) {
            return;
        }
        entries[entry + HEAD] = head;
        entries[entry + TAIL] = tail;
        for (int i = 0; i < count; i += 2) {
            long second = i + 1 < count ? tokens[from + i + 1] : 0;
            entries[entry + IDS + (i >> 1)] = second << 32 | tokens[from + i];
        }
        long version = (state & -VERSION) + 2 * VERSION;
        STATE.setRelease(entries, entry, version | (long) length << LENGTH_SHIFT | count);
    }

    private static int entry(long head, long tail) {
        long mixed = head * 0x9E3779B97F4A7C15L + tail;
        mixed = (mixed ^ mixed >>> 32) * 0xC2B2AE3D27D4EB4FL;
        return (int) (mixed >>> 48) % ENTRIES << WIDTH_BITS;
    }

    private static int other(int entry) {
        return entry ^ 1 << WIDTH_BITS;
    }
}
