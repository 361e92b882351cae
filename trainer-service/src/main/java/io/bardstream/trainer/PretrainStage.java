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
import java.util.Map;
import org.eclipse.microprofile.config.inject.ConfigProperty;

/** Pretraining as the service runs it: what a request must be, and where {@link Pretrain} begins. */
@Singleton
public class PretrainStage extends PolicyStage {
    PretrainStage(Facts facts, BardstreamHome home, @ConfigProperty(name = "bardstream.threads") int threads) {
        super(facts, home, threads);
    }

    @Override
    public Stage stage() {
        return Stage.PRETRAIN;
    }

    @Override
    DatasetKind trainsOn() {
        return DatasetKind.PRETRAIN;
    }

    @Override
    public Hyperparameters hyperparameters(String preset, String dataset, Map<String, ?> overrides) {
        return resolved(named(preset).pretraining(), overrides);
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
    void checkSplits(Dataset dataset, Hyperparameters settings) {
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
    }

    @Override
    Task task(TrainingRun run) throws IOException, InterruptedException {
        return new Pretrain(run, run.tokens(Split.TRAIN), run.tokens(Split.VALIDATION));
    }
}
