package io.bardstream.launcher;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.ToDoubleFunction;

/**
 * What a checkpoint answered to some prompts, as anybody would have been answered who asked over HTTP.
 *
 * @param checkpoint that answered
 * @param all prompt by prompt, as often as each was asked
 */
record Answers(String checkpoint, List<Answer> all) {
    private static final int AT_ONCE = 8;
    private static final int MOST_TOKENS = 64;

    /**
     * An answer.
     *
     * @param id of its generation
     * @param reward by the reward model
     */
    record Answer(String id, String prompt, String text, double reward) {}

    Answers {
        all = List.copyOf(all);
    }

    /**
     * Asks and scores. Seeds are the answers' numbers, so that two checkpoints draw the same random numbers.
     *
     * @param times that each prompt is asked
     */
    static Answers of(
            String checkpoint, List<String> prompts, int times, String rewardModel, Api inference, Api rewardService) {
        ExecutorService askers = Executors.newFixedThreadPool(AT_ONCE);
        try {
            List<Future<List<Answer>>> asked = new ArrayList<>();
            for (int i = 0; i < prompts.size(); i++) {
                String prompt = prompts.get(i);
                int firstSeed = i * times;
                asked.add(askers.submit(() -> scored(
                        prompt, answers(inference, checkpoint, prompt, times, firstSeed), rewardModel, rewardService)));
            }
            List<Answer> all = new ArrayList<>();
            for (Future<List<Answer>> each : asked) {
                all.addAll(each.get());
            }
            return new Answers(checkpoint, all);
        } catch (ExecutionException e) {
            throw e.getCause() instanceof RuntimeException cause ? cause : new IllegalStateException(e.getCause());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new CommandFailure("Interrupted while " + checkpoint + " answered", e);
        } finally {
            askers.shutdownNow();
        }
    }

    private static List<JsonNode> answers(Api inference, String checkpoint, String prompt, int times, int firstSeed) {
        List<JsonNode> answers = new ArrayList<>();
        for (int i = 0; i < times; i++) {
            ObjectNode request = Api.object()
                    .put("model", checkpoint)
                    .put("temperature", 1.0)
                    .put("max_tokens", MOST_TOKENS)
                    .put("seed", firstSeed + i);
            request.putArray("messages").addObject().put("role", "user").put("content", prompt);
            answers.add(inference.post("/v1/chat/completions", request));
        }
        return answers;
    }

    private static List<Answer> scored(String prompt, List<JsonNode> answers, String rewardModel, Api rewardService) {
        List<String> texts = answers.stream()
                .map(answer -> answer.at("/choices/0/message/content").asText())
                .toList();
        ObjectNode request =
                Api.object().put("prompt", prompt).put("format", "chat").put("reward_model", rewardModel);
        ArrayNode responses = request.putArray("responses");
        texts.forEach(responses::add);
        JsonNode scores = rewardService.post("/v1/score", request).path("scores");
        List<Answer> scored = new ArrayList<>();
        for (int i = 0; i < texts.size(); i++) {
            scored.add(new Answer(
                    answers.get(i).path("id").asText(),
                    prompt,
                    texts.get(i),
                    scores.path(i).asDouble()));
        }
        return scored;
    }

    /** How many of them have a taste. */
    int with(Taste taste) {
        return (int) all.stream().filter(answer -> taste.isIn(answer.text())).count();
    }

    double meanReward() {
        return mean(Answer::reward);
    }

    /** In characters. */
    double meanLength() {
        return mean(answer -> answer.text().length());
    }

    private double mean(ToDoubleFunction<Answer> measure) {
        return all.stream().mapToDouble(measure).average().orElse(Double.NaN);
    }

    /**
     * Different runs of {@code n} words within an answer, as a share of all such runs (Li et al. 2016); 1 where there
     * is none.
     */
    double distinct(int n) {
        Set<List<String>> different = new HashSet<>();
        int count = 0;
        for (Answer answer : all) {
            List<String> words = words(answer.text());
            for (int i = 0; i + n <= words.size(); i++) {
                different.add(words.subList(i, i + n));
                count++;
            }
        }
        return count == 0 ? 1 : (double) different.size() / count;
    }

    private static List<String> words(String text) {
        return Arrays.stream(text.toLowerCase(Locale.ROOT).split("[^\\p{L}\\p{N}']+"))
                .filter(word -> !word.isEmpty())
                .toList();
    }
}
