package io.bardstream.trainer;

import io.bardstream.checkpoint.HuggingFaceFormat;
import io.bardstream.checkpoint.ModelConfig;
import io.bardstream.event.Checkpoint;
import io.bardstream.event.Dataset;
import io.bardstream.event.Dataset.Split;
import io.bardstream.event.DatasetKind;
import io.bardstream.event.Hyperparameters;
import io.bardstream.event.InvalidFieldException;
import io.bardstream.event.TokenizerPublished;
import io.bardstream.event.TrainingRequest;
import io.bardstream.gpt.Gpt;
import io.bardstream.gpt.GptConfig;
import io.bardstream.kernel.Compute;
import io.bardstream.kernel.Precision;
import io.bardstream.service.BardstreamHome;
import io.bardstream.train.Preset;
import io.bardstream.train.TrainStep;
import io.bardstream.training.Facts;
import io.bardstream.training.ResumePoint;
import io.bardstream.training.StageTraining;
import io.bardstream.training.TrainingRun;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What the stages that train the policy's own weights by a {@link TrainingLoop} do alike: presets, defaults, the parent, and
 * where a run begins.
 */
abstract class PolicyStage implements StageTraining {
    private static final String AUTO = "auto";

    private final Facts facts;
    private final BardstreamHome home;
    private final int threads;

    /** @param threads of an operator; 0 for one a processor */
    PolicyStage(Facts facts, BardstreamHome home, int threads) {
        this.facts = facts;
        this.home = home;
        this.threads = threads > 0 ? threads : Runtime.getRuntime().availableProcessors();
    }

    /** The kind of dataset it trains on. */
    abstract DatasetKind trainsOn();

    /** What is trained, with its data read from Kafka if need be. */
    abstract Task task(TrainingRun run) throws IOException, InterruptedException;

    /** Checks the splits against the settings. */
    abstract void checkSplits(Dataset dataset, Hyperparameters settings);

    /** Checks the request's reward model and prompts, of which most stages have none. */
    void checkReward(TrainingRequest request) {
        require(request.reward() == null, "reward", "is not used by stage " + stage().label() + "; leave it out");
        require(request.prompts() == null, "prompts", "are not used by stage " + stage().label() + "; leave them out");
    }

    Facts facts() {
        return facts;
    }

    @Override
    public String preset(String name) {
        if (!name.equals(AUTO)) {
            return name;
        }
        return Compute.gpuPresent() ? Preset.GPT2.name() : Preset.TINY.name();
    }

    /** A preset's defaults with those replaced that a request names, and what this machine decides. */
    Hyperparameters resolved(Hyperparameters defaults, Map<String, ?> overrides) {
        Hyperparameters asked = defaults.with(overrides);
        if (!overrides.containsKey("dtype")) {
            asked = asked.with(Map.of("dtype", Compute.preferredPrecision().dtype()));
        }
        if (!overrides.containsKey("threads")) {
            asked = asked.with(Map.of("threads", threads));
        }
        if (!overrides.containsKey("warmup_steps") && asked.warmupSteps() > asked.steps()) {
            asked = asked.with(Map.of("warmup_steps", asked.steps()));
        }
        return asked;
    }

    static Preset named(String name) {
        try {
            return Preset.of(name);
        } catch (IllegalArgumentException e) {
            throw new InvalidFieldException("preset", "'" + name + "' is not a preset; there are " + Preset.names());
        }
    }

    @Override
    public boolean ready(TrainingRequest request) {
        return facts.dataset(request.dataset())
                        .flatMap(dataset -> facts.tokenizer(dataset.tokenizer()))
                        .isPresent()
                && (request.parent() == null
                        || facts.checkpoint(request.parent()).isPresent());
    }

    @Override
    public void check(TrainingRequest request) {
        Hyperparameters settings = request.hyperparameters();
        Dataset dataset = facts.dataset(request.dataset())
                .orElseThrow(() -> invalid("dataset", "'" + request.dataset() + "' is not known here"));
        require(
                dataset.kind() == trainsOn(),
                "dataset",
                "'%s' is of kind %s; stage %s takes one of kind %s"
                        .formatted(
                                dataset.id(),
                                dataset.kind().label(),
                                stage().label(),
                                trainsOn().label()));
        require(
                facts.tokenizer(dataset.tokenizer()).isPresent(),
                "dataset",
                "the tokenizer '%s' of '%s' is not known here".formatted(dataset.tokenizer(), dataset.id()));
        checkReward(request);
        checkSplits(dataset, settings);
        require(
                settings.warmupSteps() <= settings.steps(),
                "warmup_steps",
                "%d is more than the run's %d steps".formatted(settings.warmupSteps(), settings.steps()));
        shape(request, dataset);
    }

    @Override
    public Optional<GptConfig> shape(TrainingRequest request) {
        return facts.dataset(request.dataset()).map(dataset -> shape(request, dataset));
    }

    static Split split(Dataset dataset, String name) {
        return dataset.split(name).orElseThrow(() -> invalid("dataset", "'" + dataset.id() + "' has no split " + name));
    }

    /**
     * The model's shape: the parent's where there is one, grown where the dataset's vocabulary extends the parent's; or else
     * the preset's over the dataset's vocabulary.
     */
    private GptConfig shape(TrainingRequest request, Dataset dataset) {
        int context = request.hyperparameters().contextLength();
        if (request.parent() == null) {
            GptConfig preset = named(request.preset()).config();
            return new GptConfig(preset.layers(), preset.heads(), preset.width(), context, dataset.vocabularySize());
        }
        Checkpoint parent = facts.checkpoint(request.parent())
                .orElseThrow(() -> invalid("parent", "'" + request.parent() + "' is not a checkpoint known here"));
        TokenizerPublished tokenizer = facts.tokenizer(dataset.tokenizer()).orElseThrow();
        require(
                List.of(tokenizer.sha256(), tokenizer.base()).contains(parent.tokenizerSha256()),
                "parent",
                "'%s' has another vocabulary than dataset '%s'; make the dataset with the parent's tokenizer"
                        .formatted(parent.id(), dataset.id()));
        ModelConfig stored = config(parent);
        require(
                context <= stored.contextLength(),
                "context_length",
                "%d is more than the %d positions of parent '%s'"
                        .formatted(context, stored.contextLength(), parent.id()));
        return GptConfig.of(stored).withVocabularySize(Math.max(stored.vocabularySize(), dataset.vocabularySize()));
    }

    private ModelConfig config(Checkpoint parent) {
        try {
            return HuggingFaceFormat.readConfig(home.checkpoints().resolve(parent.path()));
        } catch (IOException | IllegalArgumentException e) {
            throw invalid(
                    "parent", "'" + parent.id() + "' cannot be read (it may have been pruned): " + e.getMessage());
        }
    }

    static void require(boolean holds, String field, String problem) {
        if (!holds) {
            throw invalid(field, problem);
        }
    }

    static InvalidFieldException invalid(String field, String problem) {
        return new InvalidFieldException(field, problem);
    }

    @Override
    public void train(TrainingRun run) throws IOException, InterruptedException {
        TrainingRequest request = run.request();
        Hyperparameters settings = request.hyperparameters();
        Optional<ResumePoint> resume = run.resume();
        try (Task task = task(run);
                Compute compute = Compute.open(Precision.parse(settings.dtype()), settings.threads());
                Gpt gpt = weights(run, task, resume, compute);
                TrainStep step = TrainStep.of(gpt, settings, request.seed())) {
            if (resume.isPresent()) {
                step.loadOptimizer(resume.get().folder().resolve(HuggingFaceFormat.OPTIMIZER));
            }
            new TrainingLoop(run, gpt, step, task).train(resume);
        }
    }

    private Gpt weights(TrainingRun run, Task task, Optional<ResumePoint> resume, Compute compute) throws IOException {
        Optional<Path> parent = run.parent();
        long seed = run.request().seed();
        if (resume.isPresent()) {
            return task.load(resume.get().folder(), compute, 0, seed);
        }
        GptConfig shape = shape(run.request(), run.dataset());
        return parent.isPresent()
                ? task.load(parent.get(), compute, shape.vocabularySize(), seed)
                : task.initialise(shape, compute, seed);
    }
}
