package io.bardstream.reward;

import io.bardstream.checkpoint.HuggingFaceFormat;
import io.bardstream.checkpoint.ModelConfig;
import io.bardstream.event.Checkpoint;
import io.bardstream.event.Dataset;
import io.bardstream.event.Dataset.Split;
import io.bardstream.event.DatasetKind;
import io.bardstream.event.Hyperparameters;
import io.bardstream.event.InvalidFieldException;
import io.bardstream.event.RewardSettings;
import io.bardstream.event.RewardSettings.Trunk;
import io.bardstream.event.Stage;
import io.bardstream.event.TokenizerPublished;
import io.bardstream.event.TrainingRequest;
import io.bardstream.gpt.Gpt;
import io.bardstream.gpt.GptConfig;
import io.bardstream.kernel.Compute;
import io.bardstream.kernel.Precision;
import io.bardstream.service.BardstreamHome;
import io.bardstream.train.TrainStep;
import io.bardstream.training.EngineLineage;
import io.bardstream.training.Facts;
import io.bardstream.training.JudgedPair;
import io.bardstream.training.NewRun;
import io.bardstream.training.PreferenceDatasets;
import io.bardstream.training.PreferenceLog;
import io.bardstream.training.ResumePoint;
import io.bardstream.training.StageTraining;
import io.bardstream.training.TrainingRun;
import jakarta.inject.Singleton;
import java.io.IOException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.eclipse.microprofile.config.inject.ConfigProperty;

/**
 * Reward models as the service trains them: what a request must be, its defaults, and where {@link RewardTraining} begins. A
 * request that names no parent starts from the promoted policy, and one that names no dataset takes every vote so far.
 */
@Singleton
class RewardStage implements StageTraining {
    private static final String PARENTS = "parent";

    /** Within these, tuning goes over its pairs again. */
    private static final int ENOUGH_STEPS = 96;

    static final Map<String, Object> DEFAULTS = Map.of(
            "optimizer", "adamw",
            "schedule", "linear",
            "min_learning_rate", 0,
            "warmup_steps", 0,
            "batch_size", 16,
            "gradient_accumulation", 1,
            "weight_decay", 0,
            "checkpoint_interval", 50);

    private final Facts facts;
    private final Promotions promotions;
    private final PreferenceLog log;
    private final PreferencePublisher publisher;
    private final BardstreamHome home;
    private final RewardConfig config;
    private final int threads;

    RewardStage(
            Facts facts,
            Promotions promotions,
            PreferenceLog log,
            PreferencePublisher publisher,
            BardstreamHome home,
            RewardConfig config,
            @ConfigProperty(name = "bardstream.threads") int threads) {
        this.facts = facts;
        this.promotions = promotions;
        this.log = log;
        this.publisher = publisher;
        this.home = home;
        this.config = config;
        this.threads = threads > 0 ? threads : Runtime.getRuntime().availableProcessors();
    }

    @Override
    public Stage stage() {
        return Stage.REWARD;
    }

    /** The shape is always the parent's. */
    @Override
    public String preset(String name) {
        return PARENTS;
    }

    @Override
    public NewRun complete(NewRun asked) {
        String parent = asked.parent() != null
                ? asked.parent()
                : promotions
                        .serving()
                        .orElseThrow(() -> invalid("parent", "is missing, and no policy has been promoted yet"))
                        .checkpoint();
        Checkpoint policy = policy(parent);
        Dataset dataset = asked.dataset() == null
                ? publisher.before(log.end(), tokenizer(policy))
                : facts.dataset(asked.dataset())
                        .orElseThrow(() -> invalid("dataset", "'" + asked.dataset() + "' is not known here"));
        return asked.with(dataset.id(), parent, settings(policy, dataset, asked.hyperparameters()));
    }

    /** The hyperparameters that follow from policy and pairs, under those that a request names. */
    private Map<String, Object> settings(Checkpoint policy, Dataset dataset, Map<String, Object> asked) {
        ModelConfig shape = config(policy);
        long pairs = dataset.split(Split.TRAIN).map(Split::blocks).orElse(0L);
        Map<String, Object> settings = new HashMap<>(asked == null ? Map.of() : asked);
        settings.putIfAbsent("trunk", Trunk.TUNED.label());
        settings.putIfAbsent("context_length", shape.contextLength());
        settings.putIfAbsent("learning_rate", config.learningRate() / shape.width());
        int batch = positive(settings, "batch_size") * positive(settings, "gradient_accumulation");
        boolean frozen = settings.get("trunk").equals(Trunk.FROZEN.label());
        settings.putIfAbsent("steps", frozen ? 1 : steps((double) pairs / batch));
        return settings;
    }

    /** What a request says if it can be, or else the default; what cannot be is refused later. */
    private static int positive(Map<String, Object> asked, String name) {
        return asked.get(name) instanceof Integer number && number > 0 ? number : (int) DEFAULTS.get(name);
    }

    /** Steps of tuning: one epoch, and as many more as few pairs need. */
    private int steps(double epoch) {
        return Math.max(1, (int) Math.ceil(Math.max(epoch, Math.min(config.epochs() * epoch, ENOUGH_STEPS))));
    }

    @Override
    public Hyperparameters hyperparameters(String preset, String dataset, Map<String, ?> overrides) {
        Hyperparameters asked = Hyperparameters.DEFAULTS
                .with(DEFAULTS)
                .with(new RewardSettings(Trunk.TUNED))
                .with(overrides);
        if (!overrides.containsKey("dtype")) {
            asked = asked.with(Map.of("dtype", Precision.FLOAT32.dtype()));
        }
        if (!overrides.containsKey("threads")) {
            asked = asked.with(Map.of("threads", threads));
        }
        return asked;
    }

    /** The curriculum's reward models are started by {@link RewardStarter}. */
    @Override
    public boolean suits(String preset, Dataset dataset, boolean trained) {
        return false;
    }

    @Override
    public void check(TrainingRequest request) {
        Dataset dataset = facts.dataset(request.dataset())
                .orElseThrow(() -> invalid("dataset", "'" + request.dataset() + "' is not known here"));
        require(
                dataset.kind() == DatasetKind.PREFERENCE,
                "dataset",
                "'%s' is of kind %s; a reward model is trained on one of kind preference"
                        .formatted(dataset.id(), dataset.kind().label()));
        require(request.reward() == null, "reward", "is not used by stage reward; leave it out");
        require(request.parent() != null, "parent", "is missing");
        Checkpoint parent = policy(request.parent());
        require(
                parent.tokenizerSha256().equals(dataset.tokenizerSha256()),
                "parent",
                "'%s' has another vocabulary than dataset '%s'".formatted(parent.id(), dataset.id()));
        int context = request.hyperparameters().contextLength();
        require(
                context <= config(parent).contextLength(),
                "context_length",
                "%d is more than the %d positions of '%s'"
                        .formatted(context, config(parent).contextLength(), parent.id()));
        require(
                dataset.split(Split.TRAIN).map(Split::blocks).orElse(0L) > 0,
                "dataset",
                "'" + dataset.id() + "' has no pair to train on: all prompts judged so far are held out; judge more");
    }

    @Override
    public Optional<GptConfig> shape(TrainingRequest request) {
        return Optional.of(GptConfig.of(config(policy(request.parent()))));
    }

    private Checkpoint policy(String id) {
        Checkpoint checkpoint = facts.checkpoint(id)
                .orElseThrow(() -> invalid("parent", "'" + id + "' is not a checkpoint known here"));
        require(checkpoint.stage() != Stage.REWARD, "parent", "'" + id + "' is a reward model; name a policy");
        return checkpoint;
    }

    private TokenizerPublished tokenizer(Checkpoint policy) {
        return facts.tokenizerOf(policy.tokenizerSha256())
                .orElseThrow(() -> invalid("parent", "the tokenizer of '" + policy.id() + "' is not known here"));
    }

    private ModelConfig config(Checkpoint policy) {
        try {
            return HuggingFaceFormat.readConfig(home.checkpoints().resolve(policy.path()));
        } catch (IOException | IllegalArgumentException e) {
            throw invalid(
                    "parent", "'" + policy.id() + "' cannot be read (it may have been pruned): " + e.getMessage());
        }
    }

    @Override
    public boolean ready(TrainingRequest request) {
        return facts.dataset(request.dataset()).isPresent()
                && facts.checkpoint(request.parent()).isPresent();
    }

    @Override
    public void train(TrainingRun run) throws IOException, InterruptedException {
        Hyperparameters settings = run.request().hyperparameters();
        List<JudgedPair> pairs = run.pairs();
        Path parent = run.parent().orElseThrow();
        Optional<ResumePoint> resume = run.resume();
        long parameters = GptConfig.of(HuggingFaceFormat.readConfig(parent)).parameterCount();
        try (Compute compute =
                        Compute.openForSeveral(Precision.parse(settings.dtype()), settings.threads(), parameters);
                Gpt gpt = Gpt.loadWithScalarHead(resume.map(ResumePoint::folder).orElse(parent), compute)) {
            RewardTraining training = new RewardTraining(
                    run, pairs, PreferenceDatasets.end(run.dataset()), gpt, parent, EngineLineage.of(compute));
            if (settings.reward().trunk() == Trunk.FROZEN) {
                training.fitHead();
                return;
            }
            try (TrainStep step = TrainStep.of(gpt, settings, run.request().seed())) {
                if (resume.isPresent()) {
                    step.loadOptimizer(resume.get().folder().resolve(HuggingFaceFormat.OPTIMIZER));
                }
                training.tune(step, resume);
            }
        }
    }

    private static void require(boolean holds, String field, String problem) {
        if (!holds) {
            throw invalid(field, problem);
        }
    }

    private static InvalidFieldException invalid(String field, String problem) {
        return new InvalidFieldException(field, problem);
    }
}
