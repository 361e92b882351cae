package io.bardstream.trainer;

import io.bardstream.event.Dataset;
import io.bardstream.event.Dataset.Split;
import io.bardstream.event.DatasetKind;
import io.bardstream.event.Hyperparameters;
import io.bardstream.event.Stage;
import io.bardstream.service.BardstreamHome;
import io.bardstream.train.Preset;
import io.bardstream.training.Facts;
import io.bardstream.training.TrainingRun;
import jakarta.inject.Singleton;
import java.io.IOException;
import java.util.HashMap;
import java.util.Map;
import org.eclipse.microprofile.config.inject.ConfigProperty;

/** Supervised fine-tuning as the service runs it: what a request must be, and where {@link SupervisedFineTune} begins. */
@Singleton
public class FineTuneStage extends PolicyStage {
    private static final String EPOCHS = "epochs";
    private static final int MOST_EPOCHS = 1_000;

    FineTuneStage(Facts facts, BardstreamHome home, @ConfigProperty(name = "bardstream.threads") int threads) {
        super(facts, home, threads);
    }

    @Override
    public Stage stage() {
        return Stage.SFT;
    }

    @Override
    DatasetKind trainsOn() {
        return DatasetKind.INSTRUCT;
    }

    /**
     * The preset's for fine-tuning. Their steps follow from {@code epochs}, which a request may give instead of {@code steps},
     * and from the number of conversations; they are evaluated and sampled once an epoch unless the request says otherwise.
     */
    @Override
    public Hyperparameters hyperparameters(String preset, String dataset, Map<String, ?> overrides) {
        Preset named = named(preset);
        Map<String, Object> settings = new HashMap<>(overrides);
        Object epochs = settings.remove(EPOCHS);
        require(epochs == null || !settings.containsKey("steps"), EPOCHS, "and steps exclude each other");
        Hyperparameters asked = named.instructing().with(settings);
        long conversations = conversations(dataset);
        int conversationsPerStep = asked.batchSize() * asked.gradientAccumulation();
        settings.putIfAbsent("steps", steps(epochs(epochs, named), conversations, conversationsPerStep));
        int epoch = steps(1, conversations, conversationsPerStep);
        settings.putIfAbsent("evaluation_interval", epoch);
        settings.putIfAbsent("sample_interval", epoch);
        return resolved(named.instructing(), settings);
    }

    private static double epochs(Object asked, Preset preset) {
        if (asked == null) {
            return preset.instructionEpochs();
        }
        require(
                asked instanceof Number number && number.doubleValue() > 0 && number.doubleValue() <= MOST_EPOCHS,
                EPOCHS,
                asked + " is not a number above 0 and at most " + MOST_EPOCHS);
        return ((Number) asked).doubleValue();
    }

    private static int steps(double epochs, long conversations, int conversationsPerStep) {
        return Math.max(1, (int) Math.ceil(epochs * conversations / conversationsPerStep));
    }

    private long conversations(String id) {
        require(id != null, "dataset", "is missing");
        return facts().dataset(id)
                .flatMap(dataset -> dataset.split(Split.TRAIN))
                .map(Split::conversations)
                .orElseThrow(() -> invalid("dataset", "'" + id + "' is not a dataset of instructions known here"))
                .count();
    }

    /** Which PRETRAIN it goes on from decides; the vocabulary must be that one's, or extend it. */
    @Override
    public boolean suits(String preset, Dataset dataset, boolean trained) {
        return true;
    }

    @Override
    void checkSplits(Dataset dataset, Hyperparameters settings) {
        split(dataset, Split.TRAIN);
        split(dataset, Split.VALIDATION);
    }

    @Override
    Task task(TrainingRun run) throws IOException, InterruptedException {
        return new SupervisedFineTune(run, run.conversations(Split.TRAIN), run.conversations(Split.VALIDATION));
    }
}
