package io.bardstream.reward;

import io.bardstream.tokenizer.BpeTokenizer;
import io.bardstream.train.Pairwise;
import io.bardstream.training.JudgedPair;

/** A pair in tokens: the prompt, and each text with the prompt before it. */
@SuppressWarnings("ArrayRecordComponent") // handed over, never compared
record JudgedText(JudgedPair pair, int[] prompt, int[] first, int[] second) {
    static JudgedText of(JudgedPair pair, BpeTokenizer tokenizer) {
        return new JudgedText(
                pair, pair.promptTokens(tokenizer), pair.firstTokens(tokenizer), pair.secondTokens(tokenizer));
    }

    int longest() {
        return Math.max(first.length, second.length);
    }

    int longestResponse() {
        return longest() - prompt.length;
    }

    Pairwise.Pair pairwise() {
        return new Pairwise.Pair(first, second, pair.preference(), pair.votes());
    }
}
