package io.bardstream.trainer;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.bardstream.checkpoint.HuggingFaceFormat;
import io.bardstream.event.GenerationRequest.Format;
import io.bardstream.event.Hyperparameters;
import io.bardstream.gpt.Gpt;
import io.bardstream.gpt.RewardModel;
import io.bardstream.kernel.Compute;
import io.bardstream.kernel.Precision;
import io.bardstream.tokenizer.BpeTokenizer;
import io.bardstream.tokenizer.PromptTokens;
import io.bardstream.train.EpochOrder;
import io.bardstream.train.LrSchedule;
import io.bardstream.train.Preset;
import io.bardstream.train.Response;
import io.bardstream.train.Rollout;
import io.bardstream.train.TrainStep;
import io.bardstream.training.JudgedPair;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * PPO, DPO and best-of-n on the same votes, so that each can be judged: the reward of what they write after held-out prompts,
 * beside their KL to the reference there. From an SFT policy, a reward model of it and the votes that it was trained on, as an
 * instance leaves them, it prints a table for docs/experiments.md. Run by hand:
 * {@code AlignmentExperiment POLICY REWARD PREFERENCES.jsonl}.
 */
final class AlignmentExperiment {
    private static final Pattern TASTE = Pattern.compile("\\b(thou|thee|thy|thine)\\b", Pattern.CASE_INSENSITIVE);
    private static final int SAMPLES = 256;
    private static final int RESPONSE = 48;
    private static final int BATCH = 16;
    private static final int EPOCHS = 3;
    private static final long SEED = 11;

    private final Path policy;
    private final Path reward;
    private final Compute compute;
    private final BpeTokenizer tokenizer;
    private final RewardModel judge;
    private final Rollout rollout;
    private final List<Vote> votes;
    private final List<int[]> heldOut;

    /** A pair of which one was chosen. */
    private record Vote(String prompt, String chosen, String rejected) {}

    /** What a policy writes: nats a response, deviations of the reference's reward, share with the taste. */
    private record Point(double kl, double reward, double taste) {}

    private AlignmentExperiment(Path policy, Path reward, Path preferences, Compute compute) throws IOException {
        this.policy = policy;
        this.reward = reward;
        this.compute = compute;
        this.tokenizer = BpeTokenizer.fromJson(Files.readString(policy.resolve(HuggingFaceFormat.TOKENIZER)));
        this.judge = RewardModel.load(reward, compute);
        this.rollout = new Rollout(tokenizer, 1, RESPONSE);
        this.votes = votes(preferences);
        List<int[]> prompts = votes.stream()
                .map(Vote::prompt)
                .filter(JudgedPair::isHeldOut)
                .distinct()
                .map(this::tokens)
                .toList();
        this.heldOut = IntStream.range(0, SAMPLES)
                .mapToObj(i -> prompts.get(i % prompts.size()))
                .toList();
        say("%d pairs, %d held-out prompts, %d samples", votes.size(), prompts.size(), SAMPLES);
    }

    public static void main(String[] arguments) throws IOException {
        try (Compute compute = Compute.open(Precision.FLOAT32, 1)) {
            AlignmentExperiment experiment = new AlignmentExperiment(
                    Path.of(arguments[0]), Path.of(arguments[1]), Path.of(arguments[2]), compute);
            say("| | setting | KL, nats a response | reward | with the taste |%n|---|---|---|---|---|");
            for (double rate : new double[] {1e-4, 3e-4}) {
                experiment.dpo(0.1, rate);
            }
            for (double beta : new double[] {0.1, 0.4}) {
                experiment.ppo(beta);
            }
            experiment.bestOfN();
        }
    }

    private static List<Vote> votes(Path file) throws IOException {
        ObjectMapper json = new ObjectMapper();
        List<Vote> votes = new ArrayList<>();
        for (String line : Files.readAllLines(file)) {
            JsonNode vote = json.readTree(line);
            votes.add(new Vote(
                    vote.path("prompt").asText(),
                    vote.path("chosen").asText(),
                    vote.path("rejected").asText()));
        }
        return votes;
    }

    private int[] tokens(String prompt) {
        return PromptTokens.of(tokenizer, prompt, Format.CHAT);
    }

    private Response response(int[] prompt, String text) {
        return new Response(prompt, tokenizer.encode(text), false);
    }

    /**
     * Of n responses to a prompt the one that the judge likes most (Stiennon et al. 2020). The KL is that of the exact
     * distribution where no two rewards are equal, ln n − (n − 1)/n, and an upper bound elsewhere (Beirami et al. 2024).
     */
    private void bestOfN() throws IOException {
        int most = 32;
        try (Gpt gpt = Gpt.load(policy, compute)) {
            List<List<Response>> tries = new ArrayList<>();
            List<double[]> rewards = new ArrayList<>();
            for (int i = 0; i < most; i++) {
                tries.add(rollout.sample(gpt, heldOut, SEED + i));
                rewards.add(judge.rewards(
                        tries.get(i).stream().map(Response::judged).toList()));
            }
            for (int n = 1; n <= most; n *= 2) {
                List<Response> chosen = new ArrayList<>();
                double[] best = new double[SAMPLES];
                for (int prompt = 0; prompt < SAMPLES; prompt++) {
                    int one = prompt;
                    int number = IntStream.range(0, n)
                            .boxed()
                            .max((a, b) -> Double.compare(rewards.get(a)[one], rewards.get(b)[one]))
                            .orElseThrow();
                    chosen.add(tries.get(number).get(prompt));
                    best[prompt] = rewards.get(number)[prompt];
                }
                double kl = Math.log(n) - (n - 1.0) / n;
                print(
                        "best of n",
                        "n = " + n,
                        new Point(kl, Arrays.stream(best).average().orElseThrow(), taste(chosen)));
            }
        }
    }

    private void dpo(double beta, double rate) throws IOException {
        Hyperparameters settings = Preset.TINY
                .dpo()
                .with(Map.of("kl_coefficient", beta, "learning_rate", rate, "dtype", "float32", "batch_size", BATCH));
        List<JudgedResponses> pairs = votes.stream()
                .filter(vote -> !JudgedPair.isHeldOut(vote.prompt()))
                .map(vote -> {
                    int[] prompt = tokens(vote.prompt());
                    return new JudgedResponses(response(prompt, vote.chosen()), response(prompt, vote.rejected()), 1);
                })
                .filter(JudgedResponses::isSaid)
                .toList();
        int epoch = Math.max(1, pairs.size() / BATCH);
        LrSchedule schedule = new LrSchedule(rate, 0, 0, EPOCHS * epoch, LrSchedule.Decay.LINEAR);
        FrozenPolicy reference = FrozenPolicy.load(policy, Precision.FLOAT32, 1);
        try (Dpo dpo = new Dpo(settings, pairs, pairs.subList(0, BATCH), tokenizer, reference, SEED);
                Gpt gpt = Gpt.load(policy, compute);
                TrainStep step = TrainStep.of(gpt, settings, SEED)) {
            for (int i = 0; i < EPOCHS * epoch; i++) {
                step.advance(i, schedule.at(i), List.of(dpo.microBatch(i, 0)));
                if ((i + 1) % epoch == 0) {
                    print(
                            "DPO",
                            "β = %s, rate %s, %d epochs".formatted(beta, rate, (i + 1) / epoch),
                            seen(gpt, reference));
                }
            }
        }
    }

    private void ppo(double beta) throws IOException {
        Hyperparameters settings = Preset.TINY.ppo().with(Map.of("kl_coefficient", beta, "dtype", "float32"));
        List<int[]> prompts = votes.stream()
                .map(Vote::prompt)
                .filter(prompt -> !JudgedPair.isHeldOut(prompt))
                .distinct()
                .map(this::tokens)
                .toList();
        LrSchedule schedule = LrSchedule.of(settings);
        try (FrozenPolicy reference = FrozenPolicy.load(policy, Precision.FLOAT32, 1);
                PpoModels models = PpoModels.begin(policy, reward, compute, settings, SEED)) {
            Ppo ppo = new Ppo(models, judge::rewards, new EpochOrder<>(prompts, SEED), rollout, settings, SEED, beta);
            double criticShare = settings.ppo().criticLearningRate() / settings.learningRate();
            for (int i = 0; i < settings.steps(); i++) {
                ppo.learn(i, ppo.look(i), schedule.at(i), schedule.at(i) * criticShare);
                if ((i + 1) % 4 == 0) {
                    print("PPO", "β₀ = %s, %d updates".formatted(beta, i + 1), seen(models.policy(), reference));
                }
            }
        }
    }

    private Point seen(Gpt gpt, FrozenPolicy reference) {
        List<Response> responses = rollout.sample(gpt, heldOut, SEED);
        List<ResponseRows> batches = Experience.batches(responses, ResponseRows.longest(responses), BATCH);
        float[][] logprobs = Experience.seen(gpt, batches, 1).logprobs();
        double[] before = reference.logprobs(responses);
        double kl = IntStream.range(0, before.length)
                .mapToDouble(i -> DpoObjective.sum(logprobs[i]) - before[i])
                .average()
                .orElseThrow();
        double[] rewards =
                judge.rewards(responses.stream().map(Response::judged).toList());
        return new Point(kl, Arrays.stream(rewards).average().orElseThrow(), taste(responses));
    }

    private double taste(List<Response> responses) {
        Stream<String> texts = responses.stream().map(response -> tokenizer.decode(response.said()));
        return texts.filter(text -> TASTE.matcher(text).find()).count() / (double) responses.size();
    }

    private static void print(String way, String setting, Point point) {
        say("| %s | %s | %.2f | %.2f | %.0f %% |", way, setting, point.kl(), point.reward(), 100 * point.taste());
    }

    private static void say(String text, Object... values) {
        System.out.println(String.format(Locale.ROOT, text, values));
    }
}
