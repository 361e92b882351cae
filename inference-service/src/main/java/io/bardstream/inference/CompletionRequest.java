package io.bardstream.inference;

import com.fasterxml.jackson.databind.JsonNode;
import io.bardstream.event.Checkpoint;
import io.bardstream.event.InvalidFieldException;
import io.bardstream.sample.SamplingParameters;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.Set;

/**
 * The body of {@code POST /v1/completions}, or of its sister for chat, checked as far as it can be without a model. What OpenAI's API knows but has no
 * effect here is accepted; what would change the answer and cannot be honoured, and what no one knows, is refused by name.
 *
 * @param logprobs how many alternatives to name for each token, or empty for no logprobs at all
 * @param echo     whether the answer begins with the prompt
 * @param form     in which the answer is written
 */
record CompletionRequest(
        String model,
        List<Prompt> prompts,
        int maxTokens,
        int n,
        SamplingParameters sampling,
        OptionalLong seed,
        List<String> stop,
        OptionalInt logprobs,
        boolean echo,
        boolean stream,
        boolean includeUsage,
        AnswerForm form) {

    static final AnswerForm TEXT = new TextAnswer();
    static final AnswerForm CHAT = new ChatAnswer();
    static final int MOST_TOKENS = 1_000_000;
    static final int MOST_LOGPROBS = 20;

    private static final int DEFAULT_MAX_TOKENS = 16;
    private static final int MOST_COMPLETIONS = 128;
    private static final int MOST_STOPS = 16;
    private static final int LONGEST_STOP = 1_000;

    /** Known to OpenAI's clients, without effect on what is generated here. */
    static final Set<String> WITHOUT_EFFECT = Set.of(
            "user",
            "store",
            "metadata",
            "service_tier",
            "safety_identifier",
            "prompt_cache_key",
            "prompt_cache_retention");

    private static final Set<String> KNOWN = Set.of(
            "model",
            "prompt",
            "max_tokens",
            "temperature",
            "top_p",
            "top_k",
            "min_p",
            "n",
            "best_of",
            "seed",
            "stop",
            "logprobs",
            "echo",
            "suffix",
            "stream",
            "stream_options",
            "presence_penalty",
            "frequency_penalty",
            "repetition_penalty",
            "logit_bias");

    /** @throws InvalidFieldException naming the field that is unknown, has the wrong type or an impossible value */
    static CompletionRequest parse(JsonNode json, int mostSequences) {
        Body body = new Body(json);
        body.refuseUnknown(KNOWN, WITHOUT_EFFECT);
        int n = body.integer("n", 1, 1, MOST_COMPLETIONS);
        if (body.integer("best_of", n, 1, MOST_COMPLETIONS) != n) {
            throw new InvalidFieldException("best_of", "only " + n + " (n) is served: every completion is returned");
        }
        if (!body.text("suffix", "").isEmpty()) {
            throw new InvalidFieldException("suffix", "is not served: this model only continues a text");
        }
        return of(
                body,
                prompts(json.path("prompt")),
                body.integer("max_tokens", DEFAULT_MAX_TOKENS, 0, MOST_TOKENS),
                body.has("logprobs")
                        ? OptionalInt.of(body.integer("logprobs", 0, 0, MOST_LOGPROBS))
                        : OptionalInt.empty(),
                body.flag("echo"),
                mostSequences,
                TEXT);
    }

    /** What both forms of a request have alike. */
    static CompletionRequest of(
            Body body,
            List<Prompt> prompts,
            int maxTokens,
            OptionalInt logprobs,
            boolean echo,
            int mostSequences,
            AnswerForm form) {
        int n = body.integer("n", 1, 1, MOST_COMPLETIONS);
        if ((long) n * prompts.size() > mostSequences) {
            throw new InvalidFieldException(
                    prompts.size() > n ? "prompt" : "n",
                    "%d prompts with %d completions each; this server takes at most %d completions in one request"
                            .formatted(prompts.size(), n, mostSequences));
        }
        body.text("user", "");
        Body options = body.object("stream_options");
        options.refuseUnknown(Set.of("include_usage", "include_obfuscation"), Set.of());
        return new CompletionRequest(
                body.text("model", Checkpoint.POLICY),
                prompts,
                maxTokens,
                n,
                sampling(body),
                body.has("seed")
                        ? OptionalLong.of(body.whole("seed", Long.MIN_VALUE, Long.MAX_VALUE))
                        : OptionalLong.empty(),
                stop(body.node("stop")),
                logprobs,
                echo,
                body.flag("stream"),
                options.flag("include_usage"),
                form);
    }

    private static SamplingParameters sampling(Body body) {
        SamplingParameters none = SamplingParameters.DEFAULT;
        return new SamplingParameters(
                body.number("temperature", none.temperature()),
                body.number("top_p", none.topP()),
                body.integer("top_k", none.topK(), Integer.MIN_VALUE, Integer.MAX_VALUE),
                body.number("min_p", none.minP()),
                body.number("presence_penalty", none.presencePenalty()),
                body.number("frequency_penalty", none.frequencyPenalty()),
                body.number("repetition_penalty", none.repetitionPenalty()),
                logitBias(body.object("logit_bias")));
    }

    private static Map<Integer, Double> logitBias(Body bias) {
        Map<Integer, Double> values = new LinkedHashMap<>();
        bias.names().forEach(name -> {
            try {
                values.put(Integer.valueOf(name), bias.number(name, 0));
            } catch (NumberFormatException e) {
                throw new InvalidFieldException("logit_bias", "'" + name + "' is not a token id");
            } catch (InvalidFieldException e) {
                throw new InvalidFieldException("logit_bias", "of token " + e.getMessage());
            }
        });
        return values;
    }

    private static List<Prompt> prompts(JsonNode prompt) {
        if (prompt.isMissingNode() || prompt.isNull()) {
            throw new InvalidFieldException("prompt", "is missing");
        } else if (prompt.isTextual()) {
            return List.of(new Prompt.Text(prompt.textValue()));
        } else if (!prompt.isArray()) {
            throw new InvalidFieldException(
                    "prompt", "is " + Body.kind(prompt) + "; expected a text, token ids, or a list of either");
        } else if (prompt.isEmpty()) {
            throw new InvalidFieldException("prompt", "is an empty list");
        } else if (prompt.get(0).isNumber()) {
            return List.of(tokens(prompt));
        }
        List<Prompt> prompts = new ArrayList<>();
        for (JsonNode one : prompt) {
            if (one.isTextual() != prompt.get(0).isTextual()) {
                throw new InvalidFieldException("prompt", "mixes kinds; expected all texts or all lists of token ids");
            }
            prompts.add(one.isTextual() ? new Prompt.Text(one.textValue()) : tokens(one));
        }
        return List.copyOf(prompts);
    }

    private static Prompt tokens(JsonNode list) {
        if (!list.isArray() || list.isEmpty()) {
            throw new InvalidFieldException(
                    "prompt",
                    "holds " + (list.isArray() ? "an empty list" : Body.kind(list))
                            + "; expected a text, token ids, or a list of either");
        }
        int[] ids = new int[list.size()];
        for (int i = 0; i < ids.length; i++) {
            JsonNode id = list.get(i);
            if (!id.isIntegralNumber() || !id.canConvertToInt()) {
                throw new InvalidFieldException("prompt", "holds " + Body.kind(id) + " among token ids");
            }
            ids[i] = id.intValue();
        }
        return new Prompt.Tokens(ids);
    }

    private static List<String> stop(JsonNode stop) {
        if (stop.isMissingNode() || stop.isNull()) {
            return List.of();
        }
        List<String> stops = new ArrayList<>();
        for (JsonNode one : stop.isArray() ? stop : List.of(stop)) {
            if (!one.isTextual()) {
                throw new InvalidFieldException(
                        "stop", "is or holds " + Body.kind(one) + "; expected a text or a list of texts");
            }
            String text = one.textValue();
            if (text.isEmpty() || text.length() > LONGEST_STOP) {
                throw new InvalidFieldException(
                        "stop", "holds a text of " + text.length() + " characters; expected 1 to " + LONGEST_STOP);
            }
            stops.add(text);
        }
        if (stops.size() > MOST_STOPS) {
            throw new InvalidFieldException("stop", "holds " + stops.size() + " texts; at most " + MOST_STOPS);
        }
        return List.copyOf(stops);
    }
}
