package io.bardstream.reward;

import io.bardstream.checkpoint.HuggingFaceFormat;
import io.bardstream.checkpoint.ModelConfig.RewardScale;
import io.bardstream.event.Checkpoint;
import io.bardstream.event.GenerationRequest.Format;
import io.bardstream.event.Stage;
import io.bardstream.gpt.RewardModel;
import io.bardstream.service.BardstreamHome;
import io.bardstream.tokenizer.BpeTokenizer;
import io.bardstream.tokenizer.PromptTokens;
import io.bardstream.training.Facts;
import io.bardstream.training.ModelAtHand;
import jakarta.enterprise.context.ApplicationScoped;
import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;

/** The reward models that can be asked. */
@ApplicationScoped
class RewardModels {
    private final Facts facts;
    private final ModelAtHand models;
    private final BardstreamHome home;

    RewardModels(Facts facts, ModelAtHand models, BardstreamHome home) {
        this.facts = facts;
        this.models = models;
        this.home = home;
    }

    /** A response to a prompt, which models were given in that way. */
    record Text(String prompt, Format format, String response) {
        int[] tokens(BpeTokenizer tokenizer) {
            return IntStream.concat(
                            IntStream.of(PromptTokens.of(tokenizer, prompt, format)),
                            IntStream.of(tokenizer.encode(response)))
                    .toArray();
        }
    }

    /** All reward models, newest first. */
    List<Checkpoint> all() {
        return facts.checkpoints().stream()
                .filter(checkpoint -> checkpoint.stage() == Stage.REWARD)
                .toList();
    }

    /** The one that judges: the newest that passed its gate, or the newest where none has. */
    Optional<Checkpoint> judge() {
        List<Checkpoint> all = all();
        return all.stream()
                .filter(checkpoint -> RewardGate.of(checkpoint.metrics()).passed())
                .findFirst()
                .or(() -> all.stream().findFirst());
    }

    /**
     * The rewards of texts; NaN for one that does not fit the model's context.
     *
     * @throws IllegalArgumentException if a text is empty or cannot be written in the model's vocabulary
     */
    double[] rewards(Checkpoint reward, List<Text> texts) throws IOException {
        RewardScale scale = HuggingFaceFormat.readConfig(home.checkpoints().resolve(reward.path()))
                .reward();
        return models.ask(reward, (gpt, tokenizer) -> {
            List<int[]> tokens =
                    texts.stream().map(text -> text.tokens(tokenizer)).toList();
            double[] rewards = new double[texts.size()];
            Arrays.fill(rewards, Double.NaN);
            int[] fitting = IntStream.range(0, rewards.length)
                    .filter(i -> tokens.get(i).length <= gpt.config().contextLength())
                    .toArray();
            double[] scores = RewardModel.scores(
                    gpt, IntStream.of(fitting).mapToObj(tokens::get).toList());
            for (int i = 0; i < fitting.length; i++) {
                rewards[fitting[i]] = scale.of(scores[i]);
            }
            return rewards;
        });
    }
}
