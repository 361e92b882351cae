package io.bardstream.tokenizer;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/**
 * Remembers the ids of short words. All threads share it without waiting for each other: an entry is a sequence lock
 * in one array of longs (1 MB), so a lookup touches a cache line or two and makes no garbage. A reader that meets a
 * writer finds nothing; a writer that meets a writer lets it go. Words longer than {@link #LONGEST} bytes or of more
 * than {@link #MOST} ids are not kept; a word has two places, and of two that compete one goes.
 *
 * <p>It is small on purpose: merging a word anew costs less than fetching its entry from main memory.
 */
final class WordCache {

    /** The most bytes of a word that is kept. */
    static final int LONGEST = 15;

    /** The most ids of a word that is kept. */
    static final int MOST = 4;

    private static final int ENTRIES = 1 << 15;

    // An entry of four longs: state, the word's first eight bytes, its other seven with its length on top, three ids.
    private static final int WIDTH_BITS = 2;
    private static final int HEAD = 1;
    private static final int TAIL = 2;
    private static final int IDS = 3;

    // The state: the fourth id (20 bits), how many ids (3 bits), and a version (41 bits), odd while someone writes.
    private static final int ID_BITS = 20;
    private static final int ID_MASK = (1 << ID_BITS) - 1;
    private static final long VERSION = 1L << (ID_BITS + 3);

    private static final VarHandle STATE = MethodHandles.arrayElementVarHandle(long[].class);

    private final long[] entries = new long[ENTRIES << WIDTH_BITS];

    /**
     * Copies the ids of a word; writes {@link #MOST} places of which those behind the last id mean nothing.
     *
     * @param head the word's first eight bytes, little-endian, filled up with zeroes
     * @param tail the other seven
     * @return how many ids they are; 0 if the word is not here
     */
    int find(long head, long tail, int length, int[] into, int at) {
        int entry = entry(head, tail);
        long end = end(tail, length);
        int found = read(entry, head, end, into, at);
        return found > 0 ? found : read(other(entry), head, end, into, at);
    }

    private int read(int entry, long head, long end, int[] into, int at) {
        long[] entries = this.entries;
        long state = (long) STATE.getAcquire(entries, entry);
        if (entries[entry + HEAD] != head || entries[entry + TAIL] != end || (state & VERSION) != 0) {
            return 0;
        }
        long ids = entries[entry + IDS];
        VarHandle.acquireFence();
        if ((long) STATE.getOpaque(entries, entry) != state) {
            return 0;
        }
        into[at] = (int) ids & ID_MASK;
        into[at + 1] = (int) (ids >>> ID_BITS) & ID_MASK;
        into[at + 2] = (int) (ids >>> (2 * ID_BITS)) & ID_MASK;
        into[at + 3] = (int) state & ID_MASK;
        return (int) (state >>> ID_BITS) & 7;
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
        if (state != 0 && (otherState == 0 || ((state + otherState) & (2 * VERSION)) != 0)) {
            entry = other(entry);
            state = otherState;
        }
        if ((state & VERSION) != 0 || !STATE.compareAndSet(entries, entry, state, state + VERSION)) {
            return;
        }
        entries[entry + HEAD] = head;
        entries[entry + TAIL] = end(tail, length);
        long ids = 0;
        for (int i = Math.min(count, 3) - 1; i >= 0; i--) {
            ids = (ids << ID_BITS) | tokens[from + i];
        }
        entries[entry + IDS] = ids;
        long fourth = count == MOST ? tokens[from + 3] : 0;
        long version = (state & -VERSION) + 2 * VERSION;
        STATE.setRelease(entries, entry, version | ((long) count << ID_BITS) | fourth);
    }

    private static long end(long tail, int length) {
        return tail | ((long) length << 56);
    }

    private static int entry(long head, long tail) {
        long mixed = head * 0x9E3779B97F4A7C15L + tail;
        mixed = (mixed ^ (mixed >>> 32)) * 0xC2B2AE3D27D4EB4FL;
        return (int) (mixed >>> 48) % ENTRIES << WIDTH_BITS;
    }

    private static int other(int entry) {
        return entry ^ (1 << WIDTH_BITS);
    }
}
