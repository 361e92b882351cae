package io.bardstream.trainer;

import io.bardstream.event.Dataset;
import io.bardstream.event.Dataset.Split;
import io.bardstream.event.DatasetKind;
import io.bardstream.event.Hyperparameters;
import io.bardstream.event.Stage;
import io.bardstream.event.TrainingRequest;
import io.bardstream.kernel.Precision;
import io.bardstream.service.BardstreamHome;
import io.bardstream.tokenizer.BpeTokenizer;
import io.bardstream.train.Preset;
import io.bardstream.train.Response;
import io.bardstream.training.Facts;
import io.bardstream.training.JudgedPair;
import io.bardstream.training.TrainingRun;
import jakarta.inject.Singleton;
import java.io.IOException;
import java.util.List;
import java.util.Optional;
import org.eclipse.microprofile.config.inject.ConfigProperty;
import org.jboss.logging.Logger;

/**
 * DPO as the service runs it: what a request must be, and where {@link Dpo} begins. Its dataset is one of preferences, the same
 * that a reward model is trained on, and its parent is the policy to be improved, which is the reference too.
 *
 * <p>Nobody records whether a response that people judged had come to its end, so the token that ends it is not trained.
 */
@Singleton
public class DpoStage extends EpochStage {
    private static final Logger LOG = Logger.getLogger(DpoStage.class);
    private static final int EPOCHS = 3;

    DpoStage(Facts facts, BardstreamHome home, @ConfigProperty(name = "bardstream.threads") int threads) {
        super(facts, home, threads);
    }

    @Override
    public Stage stage() {
        return Stage.DPO;
    }

    @Override
    DatasetKind trainsOn() {
        return DatasetKind.PREFERENCE;
    }

    @Override
    Hyperparameters defaults(Preset preset) {
        return preset.dpo();
    }

    @Override
    double epochs(Preset preset) {
        return EPOCHS;
    }

    @Override
    Optional<Long> entries(Split split) {
        return Optional.of(split.blocks());
    }

    /** The curriculum goes by a reward model and PPO. */
    @Override
    public boolean suits(String preset, Dataset dataset, boolean trained) {
        return false;
    }

    @Override
    void checkSplits(Dataset dataset, Hyperparameters settings) {
        for (String name : List.of(Split.TRAIN, Split.VALIDATION)) {
            require(
                    split(dataset, name).blocks() > 0,
                    "dataset",
                    "'%s' has no pair in its split %s; judge pairs of more prompts".formatted(dataset.id(), name));
        }
    }

    @Override
    public void check(TrainingRequest request) {
        require(request.parent() != null, "parent", "is missing; it is the policy that DPO starts from");
        super.check(request);
    }

    @Override
    Task task(TrainingRun run) throws IOException, InterruptedException {
        Hyperparameters settings = run.request().hyperparameters();
        List<JudgedPair> pairs = run.pairs();
        return new Dpo(
                settings,
                responses(run, pairs, false),
                responses(run, pairs, true),
                run.tokenizer(),
                FrozenPolicy.load(run.parent().orElseThrow(), Precision.parse(settings.dtype()), settings.threads()),
                run.request().seed());
    }

    /** Those pairs of a split that fit the context. */
    private static List<JudgedResponses> responses(TrainingRun run, List<JudgedPair> all, boolean heldOut) {
        List<JudgedPair> pairs =
                all.stream().filter(pair -> pair.heldOut() == heldOut).toList();
        int context = run.request().hyperparameters().contextLength();
        List<JudgedResponses> fitting = pairs.stream()
                .map(pair -> judged(pair, run.tokenizer()))
                .filter(pair -> pair.longest() <= context && pair.isSaid())
                .toList();
        require(
                !fitting.isEmpty(),
                "context_length",
                "none of the %d %s pairs fits %d tokens"
                        .formatted(pairs.size(), heldOut ? "held-out" : "training", context));
        if (fitting.size() < pairs.size()) {
            LOG.warnf(
                    "%s: %d of %d pairs are longer than the context of %d tokens, or empty, and are not trained on",
                    run.request().runId(), pairs.size() - fitting.size(), pairs.size(), context);
        }
        return fitting;
    }

    private static JudgedResponses judged(JudgedPair pair, BpeTokenizer tokenizer) {
        int[] prompt = pair.promptTokens(tokenizer);
        return new JudgedResponses(
                new Response(prompt, tokenizer.encode(pair.first()), false),
                new Response(prompt, tokenizer.encode(pair.second()), false),
                pair.preference());
    }
}
