package io.bardstream.tokenizer;

import java.util.Arrays;
import java.util.List;

/**
 * Finds, for two ids side by side, the merge that joins them: a hash table with open addressing in which an entry is
 * one long, so that a lookup touches one cache line.
 */
final class MergeTable {

    /** The rank of a pair that no merge joins. */
    static final int NONE = Integer.MAX_VALUE;

    private static final int ID_BITS = 20;
    private static final int RANK_BITS = 24;
    private static final long EMPTY = -1;

    /** Entries: left id (20 bits), right id (20 bits), rank (24 bits). */
    private final long[] table;

    private final int shift;
    private final int[] merged;

    /** The ranks of pairs of single bytes, with which every piece begins. */
    private final int[] rankOfBytes = new int[256 * 256];

    private final int[] idOfByte = new int[256];

    MergeTable(Vocabulary vocabulary) {
        List<Vocabulary.Merge> merges = vocabulary.merges();
        int bits = Math.max(4, 33 - Integer.numberOfLeadingZeros(merges.size()));
        table = new long[1 << bits];
        shift = 64 - bits;
        Arrays.fill(table, EMPTY);
        merged = new int[merges.size()];
        for (int rank = 0; rank < merged.length; rank++) {
            Vocabulary.Merge merge = merges.get(rank);
            merged[rank] = merge.merged();
            long key = key(merge.left(), merge.right());
            int slot = slot(key);
            while (table[slot] != EMPTY) {
                slot = slot + 1 & table.length - 1;
            }
            table[slot] = key << RANK_BITS | rank;
        }
        for (int b = 0; b < 256; b++) {
            idOfByte[b] = vocabulary.idOfByte(b);
        }
        for (int i = 0; i < rankOfBytes.length; i++) {
            rankOfBytes[i] = rank(idOfByte[i >> 8], idOfByte[i & 0xFF]);
        }
    }

    int idOfByte(byte value) {
        return idOfByte[value & 0xFF];
    }

    int rankOfBytes(byte left, byte right) {
        return rankOfBytes[(left & 0xFF) << 8 | right & 0xFF];
    }

    /** The id that the merge of this rank makes. */
    int merged(int rank) {
        return merged[rank];
    }

    /** The rank of the merge that joins the two ids; the lowest applies first. {@link #NONE} if there is none. */
    int rank(int left, int right) {
        long key = key(left, right);
        int slot = slot(key);
        while (true) {
            long entry = table[slot];
            if (entry >>> RANK_BITS == key) {
                return (int) entry & (1 << RANK_BITS) - 1;
            }
            if (entry == EMPTY) {
                return NONE;
            }
            slot = slot + 1 & table.length - 1;
        }
    }

    private static long key(int left, int right) {
        return (long) left << ID_BITS | right;
    }

    private int slot(long key) {
        return (int) (key * 0x9E3779B97F4A7C15L >>> shift);
    }
}
