package io.bardstream.trainer;

import io.bardstream.checkpoint.HuggingFaceFormat;
import io.bardstream.checkpoint.ModelConfig;
import io.bardstream.event.Checkpoint;
import io.bardstream.event.Dataset;
import io.bardstream.event.Dataset.Split;
import io.bardstream.event.DatasetKind;
import io.bardstream.event.Hyperparameters;
import io.bardstream.event.InvalidFieldException;
import io.bardstream.event.Stage;
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
import io.bardstream.training.TokenFile;
import io.bardstream.training.TrainingRun;
import jakarta.enterprise.context.ApplicationScoped;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import org.eclipse.microprofile.config.inject.ConfigProperty;

/** Pretraining as the service runs it: what a request must be, and where {@link Pretrain} begins. */
@ApplicationScoped
public class PretrainStage implements StageTraining {
    private static final String AUTO = "auto";

    private final Facts facts;
    private final BardstreamHome home;
    private final int threads;

    PretrainStage(Facts facts, BardstreamHome home, @ConfigProperty(name = "bardstream.threads") int threads) {
        this.facts = facts;
        this.home = home;
        this.threads = threads > 0 ? threads : Runtime.getRuntime().availableProcessors();
    }

    @Override
    public Stage stage() {
        return Stage.PRETRAIN;
    }

    @Override
    public String preset(String name) {
        if (!name.equals(AUTO)) {
            return name;
        }
        return Compute.gpuPresent() ? Preset.GPT2.name() : Preset.TINY.name();
    }

    @Override
    public Hyperparameters hyperparameters(String preset, Map<String, ?> overrides) {
        Hyperparameters asked = named(preset).pretraining().with(overrides);
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

    private static Preset named(String name) {
        try {
            return Preset.of(name);
        } catch (IllegalArgumentException e) {
            throw new InvalidFieldException("preset", "'" + name + "' is not a preset; there are " + Preset.names());
        }
    }

    /**
     * A vocabulary of the preset's size, or a smaller one, which is what a short text gives. One that fits a smaller preset
     * is most likely that preset's: where it was trained on already it is left alone, so that a home used with one preset
     * after the other trains each on its own datasets.
     */
    @Override
    public boolean suits(String preset, Dataset dataset, boolean trained) {
        int most = named(preset).config().vocabularySize();
        int smaller = Preset.names().stream()
                .mapToInt(name -> named(name).config().vocabularySize())
                .filter(size -> size < most)
                .max()
                .orElse(0);
        return dataset.vocabularySize() <= most && (dataset.vocabularySize() > smaller || !trained);
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
                dataset.kind() == DatasetKind.PRETRAIN,
                "dataset",
                "'%s' is of kind %s; pretraining takes one of kind pretrain"
                        .formatted(dataset.id(), dataset.kind().label()));
        require(
                facts.tokenizer(dataset.tokenizer()).isPresent(),
                "dataset",
                "the tokenizer '%s' of '%s' is not known here".formatted(dataset.tokenizer(), dataset.id()));
        require(request.reward() == null, "reward", "is not used by pretraining; leave it out");
        Split train = split(dataset, Split.TRAIN);
        Split validation = split(dataset, Split.VALIDATION);
        require(
                validation.tokens() >= 2,
                "dataset",
                "'%s' has %d tokens for validation; make it with a greater validation_fraction"
                        .formatted(dataset.id(), validation.tokens()));
        require(
                settings.contextLength() < train.tokens(),
                "context_length",
                "%d does not fit into the %,d tokens of '%s' that are trained on; give less, or a longer text"
                        .formatted(settings.contextLength(), train.tokens(), dataset.id()));
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

    private static Split split(Dataset dataset, String name) {
        return dataset.split(name).orElseThrow(() -> invalid("dataset", "'" + dataset.id() + "' has no split " + name));
    }

    /** The model's shape: the parent's where there is one, or else the preset's over the dataset's vocabulary. */
    private GptConfig shape(TrainingRequest request, Dataset dataset) {
        int context = request.hyperparameters().contextLength();
        if (request.parent() == null) {
            GptConfig preset = named(request.preset()).config();
            return new GptConfig(preset.layers(), preset.heads(), preset.width(), context, dataset.vocabularySize());
        }
        Checkpoint parent = facts.checkpoint(request.parent())
                .orElseThrow(() -> invalid("parent", "'" + request.parent() + "' is not a checkpoint known here"));
        require(
                parent.tokenizerSha256().equals(dataset.tokenizerSha256()),
                "parent",
                "'%s' has another vocabulary than dataset '%s'; make the dataset with the parent's tokenizer"
                        .formatted(parent.id(), dataset.id()));
        ModelConfig stored = config(parent);
        require(
                context <= stored.contextLength(),
                "context_length",
                "%d is more than the %d positions of parent '%s'"
                        .formatted(context, stored.contextLength(), parent.id()));
        return GptConfig.of(stored);
    }

    private ModelConfig config(Checkpoint parent) {
        try {
            return HuggingFaceFormat.readConfig(home.checkpoints().resolve(parent.path()));
        } catch (IOException | IllegalArgumentException e) {
            throw invalid(
                    "parent", "'" + parent.id() + "' cannot be read (it may have been pruned): " + e.getMessage());
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

    @Override
    public void train(TrainingRun run) throws IOException, InterruptedException {
        TrainingRequest request = run.request();
        Hyperparameters settings = request.hyperparameters();
        TokenFile training = run.tokens(Split.TRAIN);
        TokenFile validation = run.tokens(Split.VALIDATION);
        Optional<ResumePoint> resume = run.resume();
        try (Compute compute = Compute.open(Precision.parse(settings.dtype()), settings.threads());
                Gpt gpt = weights(run, resume, compute);
                TrainStep step = TrainStep.of(gpt, settings, request.seed())) {
            if (resume.isPresent()) {
                step.loadOptimizer(resume.get().folder().resolve(HuggingFaceFormat.OPTIMIZER));
            }
            new TrainingLoop(run, gpt, step, new Pretrain(run, training, validation)).train(resume);
        }
    }

    private Gpt weights(TrainingRun run, Optional<ResumePoint> resume, Compute compute) throws IOException {
        Optional<Path> parent = run.parent();
        if (resume.isPresent()) {
            return Gpt.load(resume.get().folder(), compute);
        }
        if (parent.isPresent()) {
            return Gpt.load(parent.get(), compute);
        }
        return Gpt.initialise(
                shape(run.request(), run.dataset()), compute, run.request().seed());
    }
}
