package io.bardstream.training;

import io.bardstream.event.InvalidFieldException;
import io.bardstream.event.Stage;
import io.quarkus.arc.All;
import jakarta.enterprise.context.ApplicationScoped;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/** The stages that this service trains. */
@ApplicationScoped
public class Stages {
    private final Map<Stage, StageTraining> byStage = new EnumMap<>(Stage.class);

    Stages(@All List<StageTraining> trainings) {
        for (StageTraining training : trainings) {
            if (byStage.put(training.stage(), training) != null) {
                throw new IllegalStateException(
                        "two beans train the stage " + training.stage().label());
            }
        }
    }

    public boolean runs(Stage stage) {
        return byStage.containsKey(stage);
    }

    /**
     * How a stage is trained here.
     *
     * @throws InvalidFieldException if another service trains this stage
     */
    public StageTraining of(Stage stage) {
        StageTraining training = byStage.get(stage);
        if (training == null) {
            String here = byStage.keySet().stream().map(Stage::label).collect(Collectors.joining(", "));
            throw new InvalidFieldException(
                    "stage", "'" + stage.label() + "' is not trained by this service, which trains: " + here);
        }
        return training;
    }
}
