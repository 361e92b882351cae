package io.bardstream.tokenizer;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The training of {@link BpeTrainer} written down plainly: every pair is counted anew for every merge. The map keeps
 * pairs in the order of their first occurrence, so the first of the most frequent is the one that the rule names.
 */
final class PlainTrainer {

    record Pair(String left, String right) {}

    private PlainTrainer() {}

    /** The merges, the halves in the printable spelling of bytes. */
    static List<Pair> merges(String text, int wanted) {
        Map<String, Integer> words = new LinkedHashMap<>();
        Texts.pieces(text).forEach(piece -> words.merge(piece, 1, Integer::sum));
        Map<List<String>, Integer> segmented = new LinkedHashMap<>();
        words.forEach((word, count) -> {
            List<String> symbols = new ArrayList<>();
            for (byte b : word.getBytes(StandardCharsets.UTF_8)) {
                symbols.add(ByteAlphabet.spell(new byte[] {b}));
            }
            segmented.put(symbols, count);
        });
        List<Pair> merges = new ArrayList<>();
        while (merges.size() < wanted) {
            Map<Pair, Integer> counts = new LinkedHashMap<>();
            segmented.forEach((symbols, count) -> {
                for (int i = 0; i + 1 < symbols.size(); i++) {
                    counts.merge(new Pair(symbols.get(i), symbols.get(i + 1)), count, Integer::sum);
                }
            });
            Pair best = null;
            for (Pair pair : counts.keySet()) {
                if (best == null || counts.get(pair) > counts.get(best)) {
                    best = pair;
                }
            }
            if (best == null || counts.get(best) < 2) {
                break;
            }
            merges.add(best);
            Map<List<String>, Integer> next = new LinkedHashMap<>();
            for (Map.Entry<List<String>, Integer> word : segmented.entrySet()) {
                next.put(merge(word.getKey(), best), word.getValue());
            }
            segmented.clear();
            segmented.putAll(next);
        }
        return merges;
    }

    private static List<String> merge(List<String> symbols, Pair pair) {
        List<String> merged = new ArrayList<>();
        for (int i = 0; i < symbols.size(); i++) {
            boolean here = i + 1 < symbols.size()
                    && symbols.get(i).equals(pair.left())
                    && symbols.get(i + 1).equals(pair.right());
            merged.add(here ? symbols.get(i) + symbols.get(++i) : symbols.get(i));
        }
        return merged;
    }
}
