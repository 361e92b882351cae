package io.bardstream.trainer;

import io.bardstream.checkpoint.HuggingFaceFormat;
import io.bardstream.event.Checkpoint;
import io.bardstream.event.Dataset;
import io.bardstream.event.Dataset.Split;
import io.bardstream.event.DatasetKind;
import io.bardstream.event.Hyperparameters;
import io.bardstream.event.PpoSettings;
import io.bardstream.event.Stage;
import io.bardstream.event.TrainingRequest;
import io.bardstream.gpt.GptConfig;
import io.bardstream.kernel.Compute;
import io.bardstream.kernel.Precision;
import io.bardstream.service.BardstreamHome;
import io.bardstream.tokenizer.ChatFormat;
import io.bardstream.tokenizer.ChatFormat.Message;
import io.bardstream.tokenizer.ChatFormat.Role;
import io.bardstream.train.EpochOrder;
import io.bardstream.train.Rollout;
import io.bardstream.training.ConversationFile;
import io.bardstream.training.Facts;
import io.bardstream.training.TrainingRun;
import jakarta.inject.Singleton;
import java.io.IOException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.eclipse.microprofile.config.inject.ConfigProperty;
import org.jboss.logging.Logger;

/**
 * PPO as the service runs it: what a request must be, and where {@link PpoLoop} begins. Its dataset is the one that its policy
 * was tuned on: the prompts are that one's where the request lists none, and on its held-out part the policy's loss is
 * measured.
 */
@Singleton
public class PpoStage extends PolicyStage {
    private static final Logger LOG = Logger.getLogger(PpoStage.class);
    private static final String UPDATES = "updates";

    PpoStage(Facts facts, BardstreamHome home, @ConfigProperty(name = "bardstream.threads") int threads) {
        super(facts, home, threads);
    }

    @Override
    public Stage stage() {
        return Stage.PPO;
    }

    @Override
    DatasetKind trainsOn() {
        return DatasetKind.INSTRUCT;
    }

    /** The preset's for PPO. A request may say {@code updates} instead of {@code steps}. */
    @Override
    public Hyperparameters hyperparameters(String preset, String dataset, Map<String, ?> overrides) {
        Map<String, Object> settings = new HashMap<>(overrides);
        Object updates = settings.remove(UPDATES);
        if (updates != null) {
            require(!settings.containsKey("steps"), UPDATES, "and steps exclude each other");
            settings.put("steps", updates);
        }
        return resolved(named(preset).ppo(), settings);
    }

    @Override
    public boolean suits(String preset, Dataset dataset, boolean trained) {
        return false; // a reward model that has passed its gate starts it
    }

    @Override
    public boolean ready(TrainingRequest request) {
        return super.ready(request) && facts().checkpoint(request.reward()).isPresent();
    }

    @Override
    void checkSplits(Dataset dataset, Hyperparameters settings) {
        split(dataset, Split.TRAIN);
        split(dataset, Split.VALIDATION);
    }

    @Override
    void checkReward(TrainingRequest request) {
        require(request.parent() != null, "parent", "is missing; it is the policy that PPO starts from");
        require(request.reward() != null, "reward", "is missing; it is the reward model that judges");
        Checkpoint judge = facts().checkpoint(request.reward())
                .orElseThrow(() -> invalid("reward", "'" + request.reward() + "' is not a checkpoint known here"));
        require(
                judge.stage() == Stage.REWARD,
                "reward",
                "'%s' is of stage %s, not a reward model"
                        .formatted(judge.id(), judge.stage().label()));
        Checkpoint policy = facts().checkpoint(request.parent())
                .orElseThrow(() -> invalid("parent", "'" + request.parent() + "' is not a checkpoint known here"));
        require(
                judge.tokenizerSha256().equals(policy.tokenizerSha256()),
                "reward",
                "'%s' reads another vocabulary than policy '%s' writes".formatted(judge.id(), policy.id()));
        Hyperparameters settings = request.hyperparameters();
        PpoSettings ppo = settings.ppo();
        require(
                ppo.responseLength() < settings.contextLength(),
                "response_length",
                "%d leaves no room for a prompt in a context of %d tokens"
                        .formatted(ppo.responseLength(), settings.contextLength()));
        require(
                ppo.minibatch() % settings.batchSize() == 0,
                "batch_size",
                "a minibatch of %d does not divide into micro-batches of %d"
                        .formatted(ppo.minibatch(), settings.batchSize()));
        require(
                settings.dropout() == 0,
                "dropout",
                "is not 0: what was said must be looked at by the policy that said it");
    }

    @Override
    SupervisedFineTune task(TrainingRun run) throws IOException, InterruptedException {
        return new SupervisedFineTune(run, run.conversations(Split.TRAIN), run.conversations(Split.VALIDATION));
    }

    @Override
    public void train(TrainingRun run) throws IOException, InterruptedException {
        TrainingRequest request = run.request();
        Hyperparameters settings = request.hyperparameters();
        PpoSettings ppo = settings.ppo();
        EpochOrder<int[]> prompts = new EpochOrder<>(prompts(run), request.seed());
        Rollout rollout = new Rollout(run.tokenizer(), ppo.temperature(), ppo.responseLength());
        Path parent = run.parent().orElseThrow();
        Path reward = run.reward().orElseThrow();
        var resume = run.resume();
        long parameters = GptConfig.of(HuggingFaceFormat.readConfig(parent)).parameterCount();
        try (Compute compute =
                Compute.openForSeveral(Precision.parse(settings.dtype()), settings.threads(), parameters)) {
            PpoLoop.Models models = new PpoLoop.Models() {
                @Override
                public PpoModels begin() throws IOException {
                    return PpoModels.begin(parent, reward, compute, settings, request.seed());
                }

                @Override
                public PpoModels resume(Path checkpoint) throws IOException {
                    return PpoModels.resume(checkpoint, parent, reward, compute, settings, request.seed());
                }
            };
            PpoLoop.Updates updates = (actors, beta) ->
                    new Ppo(actors, actors::rewards, prompts, rollout, settings, request.seed(), beta);
            new PpoLoop(run, models, updates, task(run)).train(resume);
        }
    }

    /** What is answered: the request's prompts, or else the dataset's, as the beginning of a conversation. */
    private static List<int[]> prompts(TrainingRun run) throws IOException, InterruptedException {
        Hyperparameters settings = run.request().hyperparameters();
        int most = settings.contextLength() - settings.ppo().responseLength();
        List<int[]> all = run.request().prompts() == null
                ? conversations(run.conversations(Split.TRAIN)).toList()
                : chats(run).toList();
        List<int[]> fitting =
                all.stream().filter(prompt -> prompt.length <= most).toList();
        require(
                !fitting.isEmpty(),
                "prompts",
                "none of the %d leaves room for a response of %d tokens in a context of %d"
                        .formatted(all.size(), settings.ppo().responseLength(), settings.contextLength()));
        if (fitting.size() < all.size()) {
            LOG.warnf(
                    "%s: %d of %d prompts leave no room for a response and are not answered",
                    run.request().runId(), all.size() - fitting.size(), all.size());
        }
        return fitting;
    }

    private static Stream<int[]> conversations(ConversationFile dataset) {
        return IntStream.range(0, dataset.count()).mapToObj(i -> SupervisedFineTune.prompt(dataset.get(i)));
    }

    private static Stream<int[]> chats(TrainingRun run) {
        ChatFormat format = ChatFormat.of(run.tokenizer())
                .orElseThrow(() -> invalid("dataset", "its tokenizer has no tokens for turns"));
        return run.request().prompts().stream().map(text -> format.prompt(List.of(new Message(Role.USER, text))));
    }
}
