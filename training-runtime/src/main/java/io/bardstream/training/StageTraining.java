package io.bardstream.training;

import io.bardstream.event.Dataset;
import io.bardstream.event.Hyperparameters;
import io.bardstream.event.InvalidFieldException;
import io.bardstream.event.Stage;
import io.bardstream.event.TrainingRequest;
import io.bardstream.gpt.GptConfig;
import java.util.Map;
import java.util.Optional;

/** How one stage is trained. A service has one bean of this type for each stage it runs. */
public interface StageTraining {
    Stage stage();

    /** The preset that is meant: {@code auto} becomes what fits this machine, every other name stays. */
    String preset(String name);

    /**
     * A request that came over HTTP, with what the stage finds by itself where the request leaves it out.
     *
     * @throws InvalidFieldException naming the field that is wrong, or cannot be left out now
     */
    default NewRun complete(NewRun asked) {
        return asked;
    }

    /**
     * The hyperparameters of a preset for this stage on a dataset, with those replaced that a request names.
     *
     * @param dataset its id as the request gives it, known here or not
     * @throws InvalidFieldException naming {@code preset} if there is none of that name, or the hyperparameter that is wrong
     */
    Hyperparameters hyperparameters(String preset, String dataset, Map<String, ?> overrides);

    /**
     * Whether the curriculum is to train this preset on a dataset.
     *
     * @param trained whether the dataset has been trained on already
     */
    boolean suits(String preset, Dataset dataset, boolean trained);

    /**
     * Checks that a request can work, as far as that can be known before it runs.
     *
     * @throws InvalidFieldException naming the field that is wrong
     */
    void check(TrainingRequest request);

    /** The model that a checked request trains, by which its memory is estimated; empty where it cannot be. */
    default Optional<GptConfig> shape(TrainingRequest request) {
        return Optional.empty();
    }

    /** Whether everything the request names has arrived. */
    boolean ready(TrainingRequest request);

    /**
     * Trains, from the beginning or from where an earlier owner left off, until all is done or {@link
     * TrainingRun#interrupted()}. Called on the worker's thread; an exception fails the run with the exception's
     * message.
     */
    void train(TrainingRun run) throws Exception;
}
