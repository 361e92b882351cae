package io.bardstream.training;

import io.bardstream.event.Curriculum;
import io.bardstream.event.Dataset;
import io.bardstream.event.DatasetKind;
import io.bardstream.event.Stage;
import io.bardstream.event.TokenizerPublished;
import io.bardstream.event.TrainingRequest;
import jakarta.enterprise.context.ApplicationScoped;
import java.time.Clock;
import java.util.Map;
import org.eclipse.microprofile.config.inject.ConfigProperty;
import org.jboss.logging.Logger;

/** Queues the runs that {@link Curriculum} says the known facts start. The same facts seen again start nothing. */
@ApplicationScoped
public class CurriculumStarter {
    private static final Logger LOG = Logger.getLogger(CurriculumStarter.class);

    private final boolean on;
    private final String configuredPreset;
    private final Facts facts;
    private final RunQueue queue;
    private final Stages stages;

    CurriculumStarter(
            @ConfigProperty(name = "bardstream.curriculum") boolean on,
            @ConfigProperty(name = "bardstream.preset") String configuredPreset,
            Facts facts,
            RunQueue queue,
            Stages stages) {
        this.on = on;
        this.configuredPreset = configuredPreset;
        this.facts = facts;
        this.queue = queue;
        this.stages = stages;
    }

    /** Looks at the facts as they are now. */
    void startWhatIsDue() {
        if (on && stages.runs(Stage.PRETRAIN)) {
            facts.complete(DatasetKind.PRETRAIN).forEach(this::pretrain);
        }
        if (on && stages.runs(Stage.SFT)) {
            facts.complete(DatasetKind.INSTRUCT).forEach(this::fineTune);
        }
    }

    private void pretrain(Dataset dataset) {
        StageTraining training = stages.of(Stage.PRETRAIN);
        String preset = training.preset(configuredPreset);
        if (!training.suits(preset, dataset, queue.trains(dataset.id()))) {
            return;
        }
        Curriculum.pretrain(
                        dataset, preset, training.hyperparameters(preset, dataset.id(), Map.of()), Clock.systemUTC())
                .filter(request -> queue.find(request.runId()).isEmpty())
                .filter(queue::submit)
                .ifPresent(request -> LOG.infof("Dataset %s starts %s (%s)", dataset.id(), request.runId(), preset));
    }

    /** From each finished pretraining of the curriculum in the vocabulary that the dataset's is, or extends. */
    private void fineTune(Dataset dataset) {
        StageTraining training = stages.of(Stage.SFT);
        String preset = training.preset(configuredPreset);
        TokenizerPublished tokenizer = facts.tokenizer(dataset.tokenizer()).orElseThrow();
        for (Run pretrain : queue.succeeded(Stage.PRETRAIN)) {
            TrainingRequest request = pretrain.trainingRequest();
            if (request.requestedBy().equals(TrainingRequest.CURRICULUM)
                    && request.preset().equals(preset)
                    && pretrain.checkpoint != null) {
                facts.checkpoint(pretrain.checkpoint)
                        .flatMap(parent -> Curriculum.fineTune(
                                dataset,
                                tokenizer,
                                parent,
                                preset,
                                training.hyperparameters(preset, dataset.id(), Map.of()),
                                Clock.systemUTC()))
                        .filter(due -> queue.find(due.runId()).isEmpty())
                        .filter(queue::submit)
                        .ifPresent(due -> LOG.infof(
                                "Dataset %s and checkpoint %s start %s (%s)",
                                dataset.id(), due.parent(), due.runId(), preset));
            }
        }
    }
}
