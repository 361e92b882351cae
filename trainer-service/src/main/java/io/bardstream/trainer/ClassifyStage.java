package io.bardstream.trainer;

import io.bardstream.event.ClassifySettings;
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
import org.eclipse.microprofile.config.inject.ConfigProperty;

/** Classification as the service runs it: what a request must be, and where {@link Classify} begins. */
@Singleton
public class ClassifyStage extends EpochStage {
    ClassifyStage(Facts facts, BardstreamHome home, @ConfigProperty(name = "bardstream.threads") int threads) {
        super(facts, home, threads);
    }

    @Override
    public Stage stage() {
        return Stage.CLASSIFY;
    }

    @Override
    DatasetKind trainsOn() {
        return DatasetKind.CLASSIFY;
    }

    @Override
    Hyperparameters defaults(Preset preset) {
        return preset.instructing().with(ClassifySettings.DEFAULTS);
    }

    /** The curriculum starts none. */
    @Override
    public boolean suits(String preset, Dataset dataset, boolean trained) {
        return false;
    }

    @Override
    void checkSplits(Dataset dataset, Hyperparameters settings) {
        split(dataset, Split.TRAIN);
        split(dataset, Split.VALIDATION);
        require(
                settings.optimizer().equals("adamw") || !settings.classify().lastBlockOnly(),
                "optimizer",
                "the last block alone is tuned by adamw, not by " + settings.optimizer());
    }

    @Override
    Task task(TrainingRun run) throws IOException, InterruptedException {
        return new Classify(run, run.conversations(Split.TRAIN), run.conversations(Split.VALIDATION));
    }
}
