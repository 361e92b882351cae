package io.bardstream.sample;

import io.bardstream.event.InvalidFieldException;
import java.util.Map;
import java.util.TreeMap;

/**
 * How the next token is drawn, in the words and ranges of OpenAI's API, with vLLM's {@code top_k}, {@code min_p} and
 * {@code repetition_penalty} beside them. Can only be constructed valid.
 *
 * @param temperature       0 takes the likeliest token; 1 the model's own distribution; at most 2
 * @param topP              keep the smallest set of tokens that holds this much probability; 1 keeps all
 * @param topK              keep this many of the likeliest tokens; 0 (also given as -1) keeps all
 * @param minP              drop tokens less likely than this fraction of the likeliest; 0 drops none
 * @param presencePenalty   taken once from the logit of each token generated before, −2 to 2
 * @param frequencyPenalty  taken from a token's logit for each time it was generated before, −2 to 2
 * @param repetitionPenalty divides positive and multiplies negative logits of tokens in the prompt or generated before
 *                          (Keskar et al. 2019, CTRL, section 4.1); 1 changes nothing
 * @param logitBias         added to the logits of these token ids, −100 to 100
 */
public record SamplingParameters(
        double temperature,
        double topP,
        int topK,
        double minP,
        double presencePenalty,
        double frequencyPenalty,
        double repetitionPenalty,
        Map<Integer, Double> logitBias) {

    /** The model's own distribution, unchanged. */
    public static final SamplingParameters DEFAULT = new SamplingParameters(1, 1, 0, 0, 0, 0, 1, Map.of());

    /** Always the likeliest token. */
    public static final SamplingParameters GREEDY = DEFAULT.withTemperature(0);

    private static final int MOST_BIASES = 1024;

    public SamplingParameters {
        between("temperature", temperature, 0, 2);
        between("top_p", topP, 0, 1);
        between("min_p", minP, 0, 1);
        between("presence_penalty", presencePenalty, -2, 2);
        between("frequency_penalty", frequencyPenalty, -2, 2);
        if (topK < -1) {
            throw new InvalidFieldException("top_k", topK + "; expected 0 (all tokens) or more");
        }
        topK = Math.max(topK, 0);
        if (!(repetitionPenalty > 0 && repetitionPenalty <= 100)) {
            throw new InvalidFieldException(
                    "repetition_penalty", repetitionPenalty + "; expected more than 0 and at most 100 (1 is none)");
        }
        if (logitBias.size() > MOST_BIASES) {
            throw new InvalidFieldException(
                    "logit_bias", "names " + logitBias.size() + " tokens; expected at most " + MOST_BIASES);
        }
        logitBias.forEach((token, bias) -> {
            if (token < 0) {
                throw new InvalidFieldException(
                        "logit_bias", "names token " + token + "; expected an id of the vocabulary");
            }
            between("logit_bias", bias, -100, 100);
        });
        logitBias = Map.copyOf(logitBias);
    }

    public SamplingParameters withTemperature(double value) {
        return new SamplingParameters(
                value, topP, topK, minP, presencePenalty, frequencyPenalty, repetitionPenalty, logitBias);
    }

    public SamplingParameters withTopP(double value) {
        return new SamplingParameters(
                temperature, value, topK, minP, presencePenalty, frequencyPenalty, repetitionPenalty, logitBias);
    }

    public SamplingParameters withTopK(int value) {
        return new SamplingParameters(
                temperature, topP, value, minP, presencePenalty, frequencyPenalty, repetitionPenalty, logitBias);
    }

    public SamplingParameters withMinP(double value) {
        return new SamplingParameters(
                temperature, topP, topK, value, presencePenalty, frequencyPenalty, repetitionPenalty, logitBias);
    }

    public SamplingParameters withPresencePenalty(double value) {
        return new SamplingParameters(
                temperature, topP, topK, minP, value, frequencyPenalty, repetitionPenalty, logitBias);
    }

    public SamplingParameters withFrequencyPenalty(double value) {
        return new SamplingParameters(
                temperature, topP, topK, minP, presencePenalty, value, repetitionPenalty, logitBias);
    }

    public SamplingParameters withRepetitionPenalty(double value) {
        return new SamplingParameters(
                temperature, topP, topK, minP, presencePenalty, frequencyPenalty, value, logitBias);
    }

    public SamplingParameters withLogitBias(Map<Integer, Double> value) {
        return new SamplingParameters(
                temperature, topP, topK, minP, presencePenalty, frequencyPenalty, repetitionPenalty, value);
    }

    /** These parameters under the names of the API, those that change nothing left out but for the temperature. */
    public Map<String, Object> asMap() {
        Map<String, Object> map = new TreeMap<>();
        map.put("temperature", temperature);
        putUnless(map, "top_p", topP, 1);
        if (topK != 0) {
            map.put("top_k", topK);
        }
        putUnless(map, "min_p", minP, 0);
        putUnless(map, "presence_penalty", presencePenalty, 0);
        putUnless(map, "frequency_penalty", frequencyPenalty, 0);
        putUnless(map, "repetition_penalty", repetitionPenalty, 1);
        if (!logitBias.isEmpty()) {
            map.put("logit_bias", new TreeMap<>(logitBias));
        }
        return map;
    }

    private static void putUnless(Map<String, Object> map, String name, double value, double neutral) {
        if (value != neutral) {
            map.put(name, value);
        }
    }

    private static void between(String name, double value, double least, double most) {
        if (!(value >= least && value <= most)) {
            throw new InvalidFieldException(
                    name, "%s; expected a number from %s to %s".formatted(value, plain(least), plain(most)));
        }
    }

    private static String plain(double value) {
        return String.valueOf((long) value);
    }
}
