package io.bardstream.trainer;

import ai.djl.ndarray.NDArray;
import io.bardstream.gpt.ForwardPass;
import io.bardstream.gpt.Gpt;
import io.bardstream.train.Response;
import java.util.Arrays;
import java.util.List;

/**
 * Responses as rows of one batch, each behind its prompt and filled up on the right, and where in it each token of a response
 * is said: at the state before it. Attention looks back only, so what fills a row up moves no real logit.
 *
 * @param rows responses, B
 * @param length tokens of a row, T
 * @param inputs row by row, B·T
 * @param speaking places in the batch that say the responses' tokens, one response after the other, M
 * @param targets what they say, M
 * @param ends where in these each response ends, B
 */
@SuppressWarnings("ArrayRecordComponent") // handed over, never compared
record ResponseRows(int rows, int length, int[] inputs, int[] speaking, int[] targets, int[] ends) {
    /** @param length of a row, so that batches of different responses have one shape */
    static ResponseRows of(List<Response> responses, int length) {
        int tokens = responses.stream()
                .mapToInt(response -> response.tokens().length)
                .sum();
        int[] inputs = new int[responses.size() * length];
        int[] speaking = new int[tokens];
        int[] targets = new int[tokens];
        int[] ends = new int[responses.size()];
        int said = 0;
        for (int row = 0; row < ends.length; row++) {
            Response response = responses.get(row);
            int[] text = response.text();
            System.arraycopy(text, 0, inputs, row * length, text.length);
            for (int token : response.tokens()) {
                speaking[said] = row * length + response.prompt().length - 1 + said - (row == 0 ? 0 : ends[row - 1]);
                targets[said++] = token;
            }
            ends[row] = said;
        }
        return new ResponseRows(ends.length, length, inputs, speaking, targets, ends);
    }

    /** The longest text's tokens: a length that fits all. */
    static int longest(List<Response> responses) {
        return responses.stream()
                .mapToInt(response -> response.prompt().length + response.tokens().length)
                .max()
                .orElseThrow();
    }

    /** The ids as the trunk takes them, (B, T). */
    NDArray tokens(ForwardPass pass) {
        return Gpt.tokens(pass, rows, length, inputs);
    }

    /** How many tokens are said, M. */
    int count() {
        return targets.length;
    }

    /** Numbers of the tokens said, (M), response by response. */
    float[][] split(float... values) {
        float[][] split = new float[rows][];
        for (int row = 0; row < rows; row++) {
            split[row] = Arrays.copyOfRange(values, row == 0 ? 0 : ends[row - 1], ends[row]);
        }
        return split;
    }

    /** Of one number a place, (B·T), those at the places that speak, (M). */
    float[] atSpeaking(float... values) {
        float[] result = new float[speaking.length];
        for (int i = 0; i < result.length; i++) {
            result[i] = values[speaking[i]];
        }
        return result;
    }

    /** The opposite: one number a place, (B·T), 0 where nothing is said. */
    float[] toPlaces(float... values) {
        float[] places = new float[rows * length];
        for (int i = 0; i < speaking.length; i++) {
            places[speaking[i]] = values[i];
        }
        return places;
    }
}
