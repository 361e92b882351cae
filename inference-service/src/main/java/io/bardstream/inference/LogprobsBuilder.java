package io.bardstream.inference;

import io.bardstream.sample.TextStream;
import io.bardstream.sample.TokenLogprobs;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Collects the logprobs of a choice in OpenAI's four parallel lists. */
final class LogprobsBuilder {
    private final LoadedModel model;
    private final TextStream text = new TextStream(List.of());
    private int offset;
    private List<String> tokens = new ArrayList<>();
    private List<Double> logprobs = new ArrayList<>();
    private List<Map<String, Double>> alternatives = new ArrayList<>();
    private List<Integer> offsets = new ArrayList<>();

    LogprobsBuilder(LoadedModel model) {
        this.model = model;
    }

    /** A prompt's first token, which nothing comes before. */
    void addUnscored(int token) {
        add(token, null, null);
    }

    void add(TokenLogprobs score) {
        Map<String, Double> likeliest = new LinkedHashMap<>();
        score.alternatives()
                .forEach(alternative ->
                        likeliest.putIfAbsent(model.tokenizer().decode(alternative.token()), alternative.logprob()));
        add(score.token(), score.logprob(), likeliest);
    }

    private void add(int token, Double logprob, Map<String, Double> likeliest) {
        tokens.add(model.tokenizer().decode(token));
        logprobs.add(logprob);
        alternatives.add(likeliest);
        offsets.add(offset);
        offset += text.accept(model.bytesOf(token)).length();
    }

    /** What was added since it was last taken; null where that is nothing. */
    CompletionResponse.Logprobs take() {
        if (tokens.isEmpty()) {
            return null;
        }
        CompletionResponse.Logprobs taken = new CompletionResponse.Logprobs(tokens, logprobs, alternatives, offsets);
        tokens = new ArrayList<>();
        logprobs = new ArrayList<>();
        alternatives = new ArrayList<>();
        offsets = new ArrayList<>();
        return taken;
    }
}
