package io.bardstream.trainer;

import com.fasterxml.jackson.annotation.JsonAnySetter;
import io.bardstream.checkpoint.HuggingFaceFormat;
import io.bardstream.event.Checkpoint;
import io.bardstream.event.InvalidFieldException;
import io.bardstream.service.ApiException;
import io.bardstream.service.BardstreamHome;
import io.bardstream.tokenizer.BpeTokenizer;
import io.bardstream.train.Classification;
import io.bardstream.train.Confusion;
import io.bardstream.training.Facts;
import io.bardstream.training.ModelAtHand;
import io.smallrye.common.annotation.Blocking;
import jakarta.ws.rs.POST;
import jakarta.ws.rs.Path;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/** Labels that a classifier gives to texts, in float32. */
@Path("/v1/classify")
@Blocking
public class ClassifyResource {
    private static final int MOST_TEXTS = 1_000;

    /** Characters. */
    private static final int LONGEST_TEXT = 100_000;

    private final Facts facts;
    private final BardstreamHome home;
    private final ModelAtHand models;

    ClassifyResource(Facts facts, BardstreamHome home, ModelAtHand models) {
        this.facts = facts;
        this.home = home;
        this.models = models;
    }

    /**
     * @param checkpoint id of a classifier
     * @param texts of a text that is longer than the context the beginning is read
     */
    public record Request(
            String checkpoint,
            List<String> texts,
            @JsonAnySetter Map<String, Object> unknown) {}

    /** The likeliest label, and how likely it is. */
    public record Labelled(String label, double probability) {}

    /** In the order of the texts. */
    public record Answer(List<Labelled> labels) {}

    @POST
    public Answer classify(Request asked) throws IOException {
        if (ApiException.required(asked).unknown() != null && !asked.unknown().isEmpty()) {
            throw new InvalidFieldException(
                    asked.unknown().keySet().iterator().next(), "is not a field; there are only checkpoint and texts");
        }
        if (asked.checkpoint() == null) {
            throw new InvalidFieldException("checkpoint", "is missing");
        }
        if (asked.texts() == null || asked.texts().isEmpty() || asked.texts().size() > MOST_TEXTS) {
            throw new InvalidFieldException("texts", "is no list of 1 to " + MOST_TEXTS + " texts");
        }
        Checkpoint checkpoint = facts.checkpoint(asked.checkpoint())
                .orElseThrow(() ->
                        new InvalidFieldException("checkpoint", "'" + asked.checkpoint() + "' is not known here"));
        if (!checkpoint.model().equals(Checkpoint.CLASSIFIER)) {
            throw new InvalidFieldException(
                    "checkpoint", "'" + checkpoint.id() + "' is no classifier; a run of stage classify makes one");
        }
        return models.ask(checkpoint, (gpt, tokenizer) -> {
            int context = gpt.config().contextLength();
            List<int[]> tokens = new ArrayList<>();
            for (int i = 0; i < asked.texts().size(); i++) {
                tokens.add(encode(asked.texts().get(i), "texts[" + i + "]", tokenizer, context));
            }
            List<String> labels = HuggingFaceFormat.readConfig(
                            home.checkpoints().resolve(checkpoint.path()))
                    .labels();
            return new Answer(Arrays.stream(Classification.probabilities(gpt, tokens))
                    .map(probabilities -> labelled(labels, probabilities))
                    .toList());
        });
    }

    private static int[] encode(String text, String field, BpeTokenizer tokenizer, int context) {
        if (text == null || text.isEmpty() || text.length() > LONGEST_TEXT) {
            throw new InvalidFieldException(field, "is no text of 1 to " + LONGEST_TEXT + " characters");
        }
        try {
            int[] tokens = tokenizer.encode(text);
            return Arrays.copyOf(tokens, Math.min(tokens.length, context));
        } catch (IllegalArgumentException e) {
            throw new InvalidFieldException(field, e.getMessage());
        }
    }

    private static Labelled labelled(List<String> labels, double... probabilities) {
        int likeliest = Confusion.likeliest(probabilities);
        return new Labelled(labels.get(likeliest), probabilities[likeliest]);
    }
}
