package io.bardstream.tokenizer;

import java.util.Arrays;
import java.util.List;

/**
 * Finds, for two ids side by side, the merge that joins them: a cuckoo hash table (Pagh and Rodler 2001). An entry is
 * in one of two places or nowhere, so a lookup is two loads and no branch that a processor could guess wrong.
 */
final class MergeTable {

    /** The rank of a pair that no merge joins. */
    static final int NONE = (1 << 25) - 1;

    private static final int ID_BITS = 20;
    private static final int RANK_BITS = 24;
    private static final long EMPTY = -1;

    /** Entries: left id (20 bits), right id (20 bits), rank (24 bits). */
    private long[] table;

    private int shift;

    private final int[] merged;

    /** The ranks of pairs of single bytes, with which every piece begins. */
    private final int[] rankOfBytes = new int[256 * 256];

    private final int[] idOfByte = new int[256];

    MergeTable(Vocabulary vocabulary) {
        List<Vocabulary.Merge> merges = vocabulary.merges();
        merged = new int[merges.size()];
        for (int rank = 0; rank < merged.length; rank++) {
            merged[rank] = merges.get(rank).merged();
        }
        int bits = Math.max(4, 33 - Integer.numberOfLeadingZeros(merges.size()));
        while (!fill(merges, bits)) {
            bits++;
        }
        for (int b = 0; b < 256; b++) {
            idOfByte[b] = vocabulary.idOfByte(b);
        }
        for (int i = 0; i < rankOfBytes.length; i++) {
            rankOfBytes[i] = rank(idOfByte[i >> 8], idOfByte[i & 0xFF]);
        }
    }

    /** Fills a table of so many bits; false if an entry finds no place after a long chase. */
    private boolean fill(List<Vocabulary.Merge> merges, int bits) {
        table = new long[1 << bits];
        shift = 64 - bits;
        Arrays.fill(table, EMPTY);
        for (int rank = 0; rank < merged.length; rank++) {
            long homeless = (key(merges.get(rank).left(), merges.get(rank).right()) << RANK_BITS) | rank;
            int place = first(homeless >>> RANK_BITS);
            for (int chase = 0; homeless != EMPTY; chase++) {
                if (chase == 500) {
                    return false;
                }
                long evicted = table[place];
                table[place] = homeless;
                homeless = evicted;
                long key = homeless >>> RANK_BITS;
                place = first(key) == place ? second(key) : first(key);
            }
        }
        return true;
    }

    int idOfByte(byte value) {
        return idOfByte[value & 0xFF];
    }

    int rankOfBytes(byte left, byte right) {
        return rankOfBytes[((left & 0xFF) << 8) | (right & 0xFF)];
    }

    /** The id that the merge of this rank makes. */
    int merged(int rank) {
        return merged[rank];
    }

    /** The rank of the merge that joins the two ids; the lowest applies first. {@link #NONE} if there is none. */
    int rank(int left, int right) {
        long key = key(left, right);
        long one = table[first(key)];
        long two = table[second(key)];
        long entry = one >>> RANK_BITS == key ? one : two;
        return entry >>> RANK_BITS == key ? (int) entry & ((1 << RANK_BITS) - 1) : NONE;
    }

    private static long key(int left, int right) {
        return ((long) left << ID_BITS) | right;
    }

    private int first(long key) {
        return (int) ((key * 0x9E3779B97F4A7C15L) >>> shift);
    }

    private int second(long key) {
        return (int) ((key * 0xC2B2AE3D27D4EB4FL) >>> shift);
    }
}
