package io.bardstream.training;

import io.bardstream.event.Curriculum;
import io.bardstream.event.Dataset;
import io.bardstream.event.DatasetKind;
import io.bardstream.event.Stage;
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
    }

    private void pretrain(Dataset dataset) {
        StageTraining training = stages.of(Stage.PRETRAIN);
        String preset = training.preset(configuredPreset);
        if (!training.suits(preset, dataset, queue.trains(dataset.id()))) {
            return;
        }
        Curriculum.pretrain(dataset, preset, training.hyperparameters(preset, Map.of()), Clock.systemUTC())
                .filter(request -> queue.find(request.runId()).isEmpty())
                .filter(queue::submit)
                .ifPresent(request -> LOG.infof("Dataset %s starts %s (%s)", dataset.id(), request.runId(), preset));
    }
}
