package io.bardstream.reward;

import ai.djl.ndarray.NDArray;
import io.bardstream.checkpoint.HuggingFaceFormat;
import io.bardstream.event.GenerationRequest.Format;
import io.bardstream.event.Hyperparameters;
import io.bardstream.gpt.ForwardPass;
import io.bardstream.gpt.Gpt;
import io.bardstream.gpt.TokenRows;
import io.bardstream.kernel.Compute;
import io.bardstream.kernel.CounterRandom;
import io.bardstream.kernel.Precision;
import io.bardstream.reward.HeldOut.Prediction;
import io.bardstream.sample.SamplingParameters;
import io.bardstream.service.BundledPrompts;
import io.bardstream.tokenizer.BpeTokenizer;
import io.bardstream.tokenizer.PromptTokens;
import io.bardstream.train.BradleyTerry;
import io.bardstream.train.EpochOrder;
import io.bardstream.train.LrSchedule;
import io.bardstream.train.Objective;
import io.bardstream.train.Pairwise;
import io.bardstream.train.Response;
import io.bardstream.train.Rollout;
import io.bardstream.train.TrainStep;
import io.bardstream.training.JudgedPair;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.ToDoubleFunction;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * How many pairs a reward model takes, by what its head reads and by whether all weights are tuned, at tastes that no model is told.
 * The policy of an instance, tuned on instructions, answers the form's prompts as the form's pool lets it; {@link RewardFit} learns
 * from pairs as the service does. Prints accuracies on pairs of held-out prompts as tables for docs/experiments.md. Run by hand:
 * {@code RewardExperiment POLICY TASTE [DRAWS [POOLING]]}; with a pooling only rows of that one.
 */
final class RewardExperiment {
    private static final int WRITTEN = 5_000;
    private static final int HELD_OUT = 300;
    private static final int[] PAIRS = {20, 50, 100, 300, 1_000};
    private static final double[] FLIPPED = {0, 0.3};
    private static final int VOTES = 20;
    private static final int TRIES = 20;
    private static final int EPOCHS = 3;
    private static final int BATCH = 16;
    private static final int ROWS = 64; // of a forward pass

    private final Path policy;
    private final Compute compute;
    private final BpeTokenizer tokenizer;

    private RewardExperiment(Path policy, Compute compute) throws IOException {
        this.policy = policy;
        this.compute = compute;
        this.tokenizer = BpeTokenizer.fromJson(Files.readString(policy.resolve(HuggingFaceFormat.TOKENIZER)));
    }

    /** What is counted in a text; of two the one with more of it is preferred. */
    private enum Taste {
        THOU(text -> Words.THOU.matcher(text).results().count()),
        SHORTER(text -> -text.length());

        private final ToDoubleFunction<String> measure;

        Taste(ToDoubleFunction<String> measure) {
            this.measure = measure;
        }

        /** Stands apart because an enum's constants come before its own fields. */
        private static final class Words {
            private static final Pattern THOU =
                    Pattern.compile("\\b(thou|thee|thy|thine)\\b", Pattern.CASE_INSENSITIVE);

            private Words() {}
        }
    }

    /** What a text's score is, of the numbers that the head gives its tokens. */
    private enum Pooling {
        LAST,
        MEAN,
        SUM;

        double share(int place, int length) {
            return this == SUM ? 1 : this == MEAN ? 1.0 / length : place == length - 1 ? 1 : 0;
        }

        /** What the head weighs of each row's text, (B, C), of hidden states (B·T, C). */
        double[][] features(float[] states, TokenRows rows, int width) {
            double[][] features = new double[rows.rows()][width];
            for (int row = 0; row < features.length; row++) {
                int length = rows.lengths()[row];
                for (int place = 0; place < length; place++) {
                    double share = share(place, length);
                    int at = (row * rows.length() + place) * width;
                    for (int i = 0; share != 0 && i < width; i++) {
                        features[row][i] += share * states[at + i];
                    }
                }
            }
            return features;
        }
    }

    /** {@link Pairwise} where scores are pooled in some way. */
    private record PooledPairwise(Pairwise pairwise, Pooling pooling) implements Objective {
        @Override
        public NDArray tokens(ForwardPass pass) {
            return pairwise.tokens(pass);
        }

        @Override
        public double weight() {
            return pairwise.weight();
        }

        @Override
        public Outcome apply(Gpt gpt, NDArray hidden, double scale, ForwardPass pass) {
            TokenRows rows = pairwise.rows();
            float[] values = gpt.scalarHead().forward(hidden).toFloatArray(); // (B·T)
            float[] dValues = new float[values.length];
            double loss = 0;
            int pairs = pairwise.pairs().size();
            for (int i = 0; i < pairs; i++) {
                Pairwise.Pair pair = pairwise.pairs().get(i);
                double difference = score(values, rows, i) - score(values, rows, pairs + i);
                double share = pair.weight() / weight();
                loss += share * BradleyTerry.loss(difference, pair.preference());
                double slope = scale * share * BradleyTerry.slope(difference, pair.preference());
                spread(dValues, rows, i, slope);
                spread(dValues, rows, pairs + i, -slope);
            }
            NDArray dHidden = gpt.scalarHead().backward(pass.scope().create(dValues), hidden); // (B·T, C)
            return new Outcome(pass.scope().create((float) loss), dHidden);
        }

        private double score(float[] values, TokenRows rows, int row) {
            int length = rows.lengths()[row];
            return IntStream.range(0, length)
                    .mapToDouble(place -> pooling.share(place, length) * values[row * rows.length() + place])
                    .sum();
        }

        private void spread(float[] dValues, TokenRows rows, int row, double slope) {
            int length = rows.lengths()[row];
            for (int place = 0; place < length; place++) {
                dValues[row * rows.length() + place] = (float) (pooling.share(place, length) * slope);
            }
        }
    }

    /** Two responses to a prompt. */
    private record Written(String prompt, Response first, Response second) {}

    /** How a reward model is made of pairs. */
    private record Way(Pooling pooling, boolean tuned) {
        @Override
        public String toString() {
            return pooling.name().toLowerCase(Locale.ROOT) + (tuned ? ", tuned" : ", frozen");
        }
    }

    public static void main(String[] arguments) throws IOException {
        Taste taste = Taste.valueOf(arguments[1].toUpperCase(Locale.ROOT));
        int draws = arguments.length > 2 ? Integer.parseInt(arguments[2]) : 3;
        List<Pooling> poolings = arguments.length > 3
                ? List.of(Pooling.valueOf(arguments[3].toUpperCase(Locale.ROOT)))
                : List.of(Pooling.values());
        try (Compute compute = Compute.open(Precision.FLOAT32, 1)) {
            RewardExperiment experiment = new RewardExperiment(Path.of(arguments[0]), compute);
            experiment.measure(taste, experiment.write(), draws, poolings);
        }
    }

    /** As the form's pool asks for texts. */
    private List<Written> write() throws IOException {
        List<String> prompts = BundledPrompts.all();
        List<String> asked = IntStream.range(0, 2 * WRITTEN)
                .mapToObj(i -> prompts.get(i / 2 % prompts.size()))
                .toList();
        Rollout rollout = new Rollout(tokenizer, SamplingParameters.DEFAULT.withTemperature(0.8), 64, Rollout.SLOTS);
        List<Response> responses;
        try (Gpt gpt = Gpt.load(policy, compute)) {
            responses = rollout.sample(
                    gpt,
                    asked.stream()
                            .map(prompt -> PromptTokens.of(tokenizer, prompt, Format.CHAT))
                            .toList(),
                    7);
        }
        return IntStream.range(0, WRITTEN)
                .mapToObj(i -> new Written(asked.get(2 * i), responses.get(2 * i), responses.get(2 * i + 1)))
                .toList();
    }

    private void measure(Taste taste, List<Written> written, int draws, List<Pooling> poolings) throws IOException {
        List<JudgedText> all = new ArrayList<>();
        for (Written each : written) {
            double first =
                    taste.measure.applyAsDouble(tokenizer.decode(each.first().said()));
            double second =
                    taste.measure.applyAsDouble(tokenizer.decode(each.second().said()));
            all.add(judged(each, first > second ? 1 : first < second ? 0 : 0.5));
        }
        List<JudgedText> judged =
                all.stream().filter(text -> text.pair().decided()).toList();
        say("%n%s: %d of %d pairs differ", taste, judged.size(), written.size());
        List<JudgedText> training =
                judged.stream().filter(text -> !text.pair().heldOut()).toList();
        List<JudgedText> heldOut = judged.stream()
                .filter(text -> text.pair().heldOut())
                .limit(HELD_OUT)
                .toList();
        List<Way> ways = poolings.stream()
                .flatMap(pooling -> IntStream.range(0, 2).mapToObj(tuned -> new Way(pooling, tuned == 1)))
                .toList();
        for (double flipped : FLIPPED) {
            say("%.0f %% of the votes flipped, accuracy in %% on %d held-out pairs", 100 * flipped, heldOut.size());
            say("| pairs | %s |", ways.stream().map(Way::toString).collect(Collectors.joining(" | ")));
            say("|---|%s", "---|".repeat(ways.size()));
            for (int pairs : PAIRS) {
                row(
                        ways,
                        flip(training, flipped),
                        heldOut,
                        flipped == 0 ? heldOut : flip(heldOut, flipped),
                        pairs,
                        draws);
            }
        }
        for (boolean tuned : new boolean[] {false, true}) {
            gate(new Way(Pooling.LAST, tuned), all);
        }
    }

    /** How many tries pass the gate where somebody votes until twenty votes have decided, ties beside them, as the service judges. */
    private void gate(Way way, List<JudgedText> all) throws IOException {
        int passed = 0;
        List<Long> right = new ArrayList<>();
        for (int attempt = 0; attempt < TRIES; attempt++) {
            List<JudgedText> votes = new ArrayList<>();
            for (int i = 0; votes.stream().filter(text -> text.pair().decided()).count() < VOTES; i++) {
                votes.add(all.get((int) CounterRandom.below(all.size(), 11, attempt, i)));
            }
            List<JudgedText> training =
                    votes.stream().filter(text -> !text.pair().heldOut()).toList();
            List<Prediction> predictions =
                    new ArrayList<>(CrossValidation.judge(training, compute, some -> trained(way, some)));
            try (Gpt gpt = trained(way, training)) {
                predictions.addAll(RewardFit.predictions(
                        gpt,
                        votes.stream().filter(text -> text.pair().heldOut()).toList()));
            }
            HeldOut heldOut = HeldOut.of(predictions);
            right.add(heldOut.accuracy().count());
            passed += RewardGate.of(heldOut).passed() ? 1 : 0;
        }
        say("%s: %d of %d tries with %d votes that decide pass, right: %s", way, passed, TRIES, VOTES, right);
    }

    private JudgedText judged(Written written, double preference) {
        JudgedPair pair = new JudgedPair("", written.prompt(), Format.CHAT, "", "", null, null, preference, 1);
        return new JudgedText(
                pair,
                written.first().prompt(),
                written.first().judged(),
                written.second().judged());
    }

    /** A line of the table: true accuracy, and that against the flipped votes where some are. */
    private void row(
            List<Way> ways,
            List<JudgedText> training,
            List<JudgedText> heldOut,
            List<JudgedText> noisy,
            int pairs,
            int mostDraws)
            throws IOException {
        int draws = Math.min(pairs < 1_000 ? mostDraws : 2, training.size() / pairs);
        List<String> cells = new ArrayList<>();
        for (Way way : ways) {
            double right = 0;
            double agreeing = 0;
            for (int draw = 0; draw < draws; draw++) {
                try (Gpt gpt = trained(way, training.subList(draw * pairs, (draw + 1) * pairs))) {
                    List<Prediction> judged = predictions(way, gpt, heldOut);
                    right += accuracy(judged, heldOut) / draws;
                    agreeing += accuracy(judged, noisy) / draws;
                }
            }
            cells.add(
                    heldOut == noisy
                            ? String.format(Locale.ROOT, "%.1f", 100 * right)
                            : String.format(Locale.ROOT, "%.1f (%.1f)", 100 * right, 100 * agreeing));
        }
        say("| %d, mean of %d | %s |", pairs, draws, String.join(" | ", cells));
    }

    private Gpt trained(Way way, List<JudgedText> pairs) throws IOException {
        int steps = Math.max(1, (int) Math.ceil((double) EPOCHS * pairs.size() / BATCH));
        Gpt gpt = Gpt.loadWithScalarHead(policy, compute);
        Hyperparameters settings = Hyperparameters.DEFAULTS
                .with(RewardStage.DEFAULTS)
                .with(Map.of("learning_rate", 0.128 / gpt.config().width(), "steps", steps, "dtype", "float32"));
        double[][] features = features(gpt, way.pooling(), pairs);
        gpt.scalarHead()
                .set(FrozenHead.fit(IntStream.range(0, pairs.size())
                        .mapToObj(i -> new FrozenHead.Pair(
                                features[2 * i],
                                features[2 * i + 1],
                                pairs.get(i).pair().preference(),
                                1))
                        .toList()));
        if (way.tuned()) {
            LrSchedule schedule = LrSchedule.of(settings);
            EpochOrder<JudgedText> order = new EpochOrder<>(pairs, 1);
            int rows = Math.min(BATCH, pairs.size());
            try (TrainStep trainStep = TrainStep.of(gpt, settings, 1)) {
                for (int step = 0; step < steps; step++) {
                    Pairwise batch = Pairwise.of(order.draw((long) step * rows, rows).stream()
                            .map(JudgedText::pairwise)
                            .toList());
                    trainStep.advance(step, schedule.at(step), List.of(new PooledPairwise(batch, way.pooling())));
                }
            }
        }
        return gpt;
    }

    /** Of both texts of each pair, one after the other. */
    private static double[][] features(Gpt gpt, Pooling pooling, List<JudgedText> pairs) {
        List<int[]> texts = pairs.stream()
                .flatMap(pair -> Stream.of(pair.first(), pair.second()))
                .toList();
        double[][] features = new double[texts.size()][];
        for (int first = 0; first < texts.size(); first += ROWS) {
            TokenRows rows = TokenRows.of(texts.subList(first, Math.min(first + ROWS, texts.size())), 0);
            try (ForwardPass pass = ForwardPass.inference(gpt.compute())) {
                float[] states = gpt.forward(rows.array(pass), pass).toFloatArray(); // (B·T, C)
                System.arraycopy(pooling.features(states, rows, gpt.config().width()), 0, features, first, rows.rows());
            }
        }
        return features;
    }

    private static List<Prediction> predictions(Way way, Gpt gpt, List<JudgedText> pairs) {
        float[] head = gpt.scalarHead().weight().toFloatArray(); // (C)
        double[][] features = features(gpt, way.pooling(), pairs);
        return IntStream.range(0, pairs.size())
                .mapToObj(i -> new Prediction(
                        score(head, features[2 * i]) - score(head, features[2 * i + 1]),
                        pairs.get(i).pair().preference()))
                .toList();
    }

    private static double score(float[] head, double... features) {
        return IntStream.range(0, head.length)
                .mapToDouble(i -> head[i] * features[i])
                .sum();
    }

    /** The share of pairs that are judged as these votes have it. */
    private static double accuracy(List<Prediction> judged, List<JudgedText> voted) {
        return HeldOut.of(IntStream.range(0, judged.size())
                        .mapToObj(i -> new Prediction(
                                judged.get(i).difference(), voted.get(i).pair().preference()))
                        .toList())
                .accuracy()
                .value();
    }

    private static List<JudgedText> flip(List<JudgedText> texts, double share) {
        return IntStream.range(0, texts.size())
                .mapToObj(i -> CounterRandom.uniform(9, i) < share ? flipped(texts.get(i)) : texts.get(i))
                .toList();
    }

    private static JudgedText flipped(JudgedText text) {
        JudgedPair pair = text.pair();
        return new JudgedText(
                new JudgedPair(
                        "", pair.prompt(), pair.format(), "", "", null, null, 1 - pair.preference(), pair.votes()),
                text.prompt(),
                text.first(),
                text.second());
    }

    private static void say(String text, Object... values) {
        System.out.println(String.format(Locale.ROOT, text, values));
    }
}
