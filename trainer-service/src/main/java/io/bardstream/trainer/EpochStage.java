package io.bardstream.trainer;

import io.bardstream.event.Dataset.Split;
import io.bardstream.event.Hyperparameters;
import io.bardstream.service.BardstreamHome;
import io.bardstream.train.Preset;
import io.bardstream.training.Facts;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/** A stage whose data are entries that are seen epoch by epoch, so that its steps follow from the dataset. */
abstract class EpochStage extends PolicyStage {
    private static final String EPOCHS = "epochs";
    private static final int MOST_EPOCHS = 1_000;

    EpochStage(Facts facts, BardstreamHome home, int threads) {
        super(facts, home, threads);
    }

    /** A preset's hyperparameters for this stage, but for what follows from the dataset. */
    abstract Hyperparameters defaults(Preset preset);

    /** How often each entry is seen unless a request says otherwise. */
    double epochs(Preset preset) {
        return preset.instructionEpochs();
    }

    /** How many entries a split has; nothing where it is of another kind. */
    Optional<Long> entries(Split split) {
        return Optional.ofNullable(split.conversations()).map(conversations -> (long) conversations.count());
    }

    /**
     * The preset's for this stage. Their steps follow from {@code epochs}, which a request may give instead of {@code steps},
     * and from the number of entries; they are evaluated and sampled once an epoch unless the request says otherwise.
     */
    @Override
    public Hyperparameters hyperparameters(String preset, String dataset, Map<String, ?> overrides) {
        Preset named = named(preset);
        Map<String, Object> settings = new HashMap<>(overrides);
        Object epochs = settings.remove(EPOCHS);
        require(epochs == null || !settings.containsKey("steps"), EPOCHS, "and steps exclude each other");
        Hyperparameters asked = defaults(named).with(settings);
        long entries = entries(dataset);
        int entriesPerStep = asked.batchSize() * asked.gradientAccumulation();
        settings.putIfAbsent("steps", steps(epochs(epochs, named), entries, entriesPerStep));
        int epoch = steps(1, entries, entriesPerStep);
        settings.putIfAbsent("evaluation_interval", epoch);
        settings.putIfAbsent("sample_interval", epoch);
        return resolved(defaults(named), settings);
    }

    private double epochs(Object asked, Preset preset) {
        if (asked == null) {
            return epochs(preset);
        }
        require(
                asked instanceof Number number && number.doubleValue() > 0 && number.doubleValue() <= MOST_EPOCHS,
                EPOCHS,
                asked + " is not a number above 0 and at most " + MOST_EPOCHS);
        return ((Number) asked).doubleValue();
    }

    private static int steps(double epochs, long entries, int entriesPerStep) {
        return Math.max(1, (int) Math.ceil(epochs * entries / entriesPerStep));
    }

    private long entries(String id) {
        require(id != null, "dataset", "is missing");
        return facts().dataset(id)
                .flatMap(dataset -> dataset.split(Split.TRAIN))
                .flatMap(this::entries)
                .orElseThrow(() -> invalid(
                        "dataset",
                        "'%s' is not a dataset of kind %s known here"
                                .formatted(id, trainsOn().label())));
    }
}
