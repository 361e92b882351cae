package io.bardstream.trainer;

import io.bardstream.gpt.Gpt;
import io.bardstream.sample.SamplingParameters;
import io.bardstream.tokenizer.BpeTokenizer;
import io.bardstream.tokenizer.ChatFormat.Rendered;
import io.bardstream.train.Conversations;
import io.bardstream.train.Response;
import io.bardstream.train.Rollout;
import io.bardstream.train.TokenSource;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.ToDoubleFunction;
import java.util.stream.IntStream;

/**
 * How a model answers held-out instructions, greedily, beside how it should. By name:
 *
 * <ul>
 *   <li>{@code answers}: how many were asked for
 *   <li>{@code exact_match}: share that is the expected answer but for case and white space
 *   <li>{@code fuzzy_match}: mean of 1 − edit distance / length of the longer (Levenshtein 1966)
 *   <li>{@code ended}: share that the model ended by itself within {@value #MOST_TOKENS} tokens and the context
 *   <li>{@code distinct_1}, {@code distinct_2}: different words, and pairs of words, among all that were written (Li et
 * al. 2016)   <li>{@code repetition}: share of the triples of words in an answer that stood in it before   <li>{@code
 * verbatim_overlap}: mean share of an answer's longest run of characters that stands in the training text
 * </ul>
 */
final class AnswerQuality {
    static final int MOST_TOKENS = 128;

    private static final SamplingParameters GREEDY = SamplingParameters.DEFAULT.withTemperature(0);
    private static final int AT_ONCE = 8; // each takes the room of a context
    private static final int REPEATED_WORDS = 3;

    private AnswerQuality() {}

    /** Asks the first conversations, as many as are wanted, for their last answer. */
    static SortedMap<String, Double> of(
            Gpt gpt, BpeTokenizer tokenizer, Conversations held, TokenSource training, int most) {
        List<Rendered> asked = IntStream.range(0, Math.min(most, held.count()))
                .mapToObj(held::get)
                .filter(conversation -> SupervisedFineTune.prompt(conversation).length
                        < gpt.config().contextLength())
                .toList();
        List<Response> responses = new Rollout(tokenizer, GREEDY, MOST_TOKENS, AT_ONCE)
                .sample(gpt, asked.stream().map(SupervisedFineTune::prompt).toList(), 0);
        List<Answer> answers = IntStream.range(0, asked.size())
                .mapToObj(i -> new Answer(
                        expected(asked.get(i), tokenizer),
                        tokenizer.decode(responses.get(i).said()),
                        responses.get(i).ended()))
                .toList();
        return measured(answers, text -> new LongestCopy(text).in(training, tokenizer));
    }

    /** What the assistant says last, without its end of turn. */
    private static String expected(Rendered conversation, BpeTokenizer tokenizer) {
        int begin = SupervisedFineTune.prompt(conversation).length;
        int end = conversation.trained().length() - 1;
        return tokenizer.decode(Arrays.copyOfRange(conversation.tokens(), begin, end));
    }

    /** What was expected, what was written, and whether that came to an end. */
    record Answer(String expected, String written, boolean ended) {}

    /** The longest run of characters of a text that stands elsewhere. */
    @FunctionalInterface
    interface Copied {
        int longest(String text);
    }

    static SortedMap<String, Double> measured(List<Answer> answers, Copied copied) {
        SortedMap<String, Double> metrics = new TreeMap<>(Map.of("answers", (double) answers.size()));
        if (answers.isEmpty()) {
            return metrics;
        }
        metrics.put(
                "exact_match",
                mean(answers, answer -> normal(answer.expected()).equals(normal(answer.written())) ? 1 : 0));
        metrics.put(
                "fuzzy_match",
                mean(answers, answer -> similarity(normal(answer.expected()), normal(answer.written()))));
        metrics.put("ended", mean(answers, answer -> answer.ended() ? 1 : 0));
        metrics.put("distinct_1", distinct(answers, 1));
        metrics.put("distinct_2", distinct(answers, 2));
        metrics.put("repetition", mean(answers, answer -> repetition(words(answer.written()))));
        metrics.put("verbatim_overlap", mean(answers, answer -> overlap(answer.written(), copied)));
        return metrics;
    }

    private static double mean(List<Answer> answers, ToDoubleFunction<Answer> of) {
        return answers.stream().mapToDouble(of).average().orElseThrow();
    }

    private static String normal(String text) {
        return text.strip().replaceAll("\\s+", " ").toLowerCase(Locale.ROOT);
    }

    /** 1 for equal texts, 0 for texts that share nothing in place. */
    static double similarity(String a, String b) {
        int longer = Math.max(a.length(), b.length());
        return longer == 0 ? 1 : 1 - (double) editDistance(a, b) / longer;
    }

    private static int editDistance(String a, String b) {
        int[] row = new int[b.length() + 1];
        for (int j = 0; j < row.length; j++) {
            row[j] = j;
        }
        for (int i = 1; i <= a.length(); i++) {
            int diagonal = row[0];
            row[0] = i;
            for (int j = 1; j <= b.length(); j++) {
                int replaced = diagonal + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
                diagonal = row[j];
                row[j] = Math.min(replaced, 1 + Math.min(row[j], row[j - 1]));
            }
        }
        return row[b.length()];
    }

    private static double distinct(List<Answer> answers, int n) {
        Set<List<String>> different = new HashSet<>();
        int all = 0;
        for (Answer answer : answers) {
            List<List<String>> grams = grams(words(answer.written()), n);
            different.addAll(grams);
            all += grams.size();
        }
        return all == 0 ? 0 : (double) different.size() / all;
    }

    static double repetition(List<String> words) {
        List<List<String>> grams = grams(words, REPEATED_WORDS);
        return grams.isEmpty() ? 0 : 1 - (double) new HashSet<>(grams).size() / grams.size();
    }

    private static double overlap(String text, Copied copied) {
        int characters = text.codePointCount(0, text.length());
        return characters == 0 ? 0 : (double) copied.longest(text) / characters;
    }

    private static List<String> words(String text) {
        String normal = normal(text);
        return normal.isEmpty() ? List.of() : List.of(normal.split(" "));
    }

    private static List<List<String>> grams(List<String> words, int n) {
        List<List<String>> grams = new ArrayList<>();
        for (int i = 0; i + n <= words.size(); i++) {
            grams.add(words.subList(i, i + n));
        }
        return grams;
    }
}
