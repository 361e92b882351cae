package io.bardstream.trainer;

import io.bardstream.train.Response;

/**
 * Two responses to a prompt, what people thought of them, and how likely each was to the reference.
 *
 * @param preference share of the votes for the first: 1, 0, or between
 * @param referenceFirst log-probability of the first, in nats
 */
record JudgedResponses(
        Response first, Response second, double preference, double referenceFirst, double referenceSecond) {
    JudgedResponses(Response first, Response second, double preference) {
        this(first, second, preference, Double.NaN, Double.NaN);
    }

    /** Tokens of the longer one, its prompt among them. */
    int longest() {
        return Math.max(first.text().length, second.text().length);
    }

    /** Whether anything was said in both. */
    boolean isSaid() {
        return first.tokens().length > 0 && second.tokens().length > 0;
    }

    JudgedResponses withReference(double ofFirst, double ofSecond) {
        return new JudgedResponses(first, second, preference, ofFirst, ofSecond);
    }
}
