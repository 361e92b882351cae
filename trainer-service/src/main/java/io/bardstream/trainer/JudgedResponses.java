package io.bardstream.trainer;

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

    JudgedResponses withReference(double ofFirst, double ofSecond) {
        return new JudgedResponses(first, second, preference, ofFirst, ofSecond);
    }
}
