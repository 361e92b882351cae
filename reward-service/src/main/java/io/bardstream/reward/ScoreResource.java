package io.bardstream.reward;

import com.fasterxml.jackson.annotation.JsonAnySetter;
import io.bardstream.event.Checkpoint;
import io.bardstream.event.GenerationRequest.Format;
import io.bardstream.event.InvalidFieldException;
import io.bardstream.service.ApiException;
import io.smallrye.common.annotation.Blocking;
import jakarta.ws.rs.POST;
import jakarta.ws.rs.Path;
import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/** What the judge thinks of texts. */
@Path("/v1/score")
@Blocking
public class ScoreResource {
    private static final int MOST_RESPONSES = 1_000;

    private final RewardModels models;

    ScoreResource(RewardModels models) {
        this.models = models;
    }

    /**
     * The body of a request.
     *
     * @param response the one to score, or else {@code responses}
     * @param format how the prompt is given, raw if left out
     * @param rewardModel checkpoint to ask; the newest that passed its gate if left out
     * @param unknown every other key, to be refused
     */
    public record Asked(
            String prompt,
            String response,
            List<String> responses,
            Format format,
            String rewardModel,
            @JsonAnySetter Map<String, Object> unknown) {
        private List<String> all() {
            require(
                    unknown == null || unknown.isEmpty(),
                    unknown == null ? "" : String.join(", ", unknown.keySet()),
                    "is not a field; there are prompt, response, responses, format and reward_model");
            require(prompt != null, "prompt", "is missing");
            require(response == null || responses == null, "responses", "and response exclude each other");
            List<String> all = responses != null ? responses : response != null ? List.of(response) : List.of();
            require(!all.isEmpty(), "responses", "is missing; give response or responses");
            require(all.size() <= MOST_RESPONSES, "responses", "are " + all.size() + "; at most " + MOST_RESPONSES);
            require(all.stream().noneMatch(each -> each == null), "responses", "has a null");
            return all;
        }
    }

    /** The rewards, in the order of the responses. */
    public record Answer(List<Double> scores, String rewardModel) {}

    @POST
    public Answer score(Asked body) throws IOException {
        Asked asked = ApiException.required(body);
        List<String> responses = asked.all();
        Checkpoint model = asked.rewardModel() == null
                ? models.judge().orElseThrow(() -> ApiException.unavailable("No reward model has been trained yet."))
                : models.all().stream()
                        .filter(checkpoint -> checkpoint.id().equals(asked.rewardModel()))
                        .findFirst()
                        .orElseThrow(() -> ApiException.notFound("reward model", asked.rewardModel()));
        Format format = asked.format() == null ? Format.RAW : asked.format();
        double[] scores;
        try {
            scores = models.rewards(
                    model,
                    responses.stream()
                            .map(response -> new RewardModels.Text(asked.prompt(), format, response))
                            .toList());
        } catch (IllegalArgumentException e) {
            throw new InvalidFieldException("responses", e.getMessage());
        }
        for (int i = 0; i < scores.length; i++) {
            require(
                    !Double.isNaN(scores[i]),
                    "responses",
                    "number " + i + " is longer, with its prompt, than the model's context");
        }
        return new Answer(Arrays.stream(scores).boxed().toList(), model.id());
    }

    private static void require(boolean holds, String field, String problem) {
        if (!holds) {
            throw new InvalidFieldException(field, problem);
        }
    }
}
