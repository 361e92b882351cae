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
import org.eclipse.microprofile.config.inject.ConfigProperty;

/** Supervised fine-tuning as the service runs it: what a request must be, and where {@link SupervisedFineTune} begins. */
@Singleton
public class FineTuneStage extends EpochStage {
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

    @Override
    Hyperparameters defaults(Preset preset) {
        return preset.instructing();
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
