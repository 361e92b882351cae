package io.bardstream.launcher;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.bardstream.train.Preset;
import java.io.IOException;
import java.net.URI;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Supplier;

/**
 * From a text to a served model that follows instructions, over HTTP: corpora, vocabulary, datasets; the trainer starts
 * pretraining and fine-tuning by itself when it hears of the datasets. Ids are hashes of content, so a second time
 * finds everything done.
 */
final class TextToModel {
    /** The default corpus, by Karpathy: 1.1 MB of Shakespeare's plays. */
    static final String TINYSHAKESPEARE =
            "https://raw.githubusercontent.com/karpathy/char-rnn/master/data/tinyshakespeare/input.txt";

    static final String TINYSHAKESPEARE_SHA256 = "86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed";

    private static final String UNREACHABLE = "url_unreachable";
    private static final double VALIDATION_FRACTION = 0.1;
    private static final String PRETRAIN = "pretrain";
    private static final String FINE_TUNING = "sft";
    private static final String INSTRUCT = "instruct";
    private static final Duration PATIENCE_WITH_A_RESTART = Duration.ofSeconds(60);
    private static final Duration PATIENCE_WITH_THE_CURRICULUM = Duration.ofSeconds(60);

    private final Api tokenizerService;
    private final Api trainer;
    private final Home home;
    private final Console console;

    TextToModel(URI tokenizerService, URI trainer, Home home, Console console) {
        this.tokenizerService = new Api(tokenizerService);
        this.trainer = new Api(trainer);
        this.home = home;
        this.console = console;
    }

    /**
     * Does what is not done yet, and shows it.
     *
     * @param source a file, a URL, or null for the default corpus
     * @param instructions a file of instructions to be tuned on then, or null for the bundled ones
     * @return whether pretraining and fine-tuning succeeded
     */
    boolean run(String source, Path instructions, Preset preset) {
        String corpus = corpus(source);
        String tokenizer = tokenizer(corpus, preset);
        return learned(PRETRAIN, dataset(corpus, tokenizer, PRETRAIN), preset)
                && learned(FINE_TUNING, dataset(instructions(instructions), tokenizer, INSTRUCT), preset);
    }

    /**
     * Whether something was trained, but this home has not given that address' text to the services.
     *
     * @param url null for the default corpus
     */
    boolean otherTextIsLearned(String url) {
        return rememberedCorpus(url == null ? TINYSHAKESPEARE : url).isEmpty()
                && !Api.items(retrying(() -> trainer.get("/v1/runs"))).isEmpty();
    }

    /** Follows what the curriculum starts on a dataset; whether it succeeded. */
    private boolean learned(String stage, String dataset, Preset preset) {
        String run = startedRun(stage, dataset, preset);
        return showEnd(stage, new RunFollower(trainer, run, stage, console).follow());
    }

    private boolean showEnd(String stage, JsonNode run) {
        String ended = String.format(Locale.ROOT, "%-10s ", stage)
                + run.path("status").asText() + " after " + run.path("step").asLong() + " steps";
        Optional<String> error =
                Optional.of(run.path("error").asText("")).filter(text -> !text.isEmpty() && !text.equals("null"));
        if (error.isPresent()) {
            console.problem("trainer", ended + ": " + error.get());
        } else {
            console.line(ended
                    + String.format(
                            Locale.ROOT,
                            ": %.3f bits a byte, checkpoint %s",
                            run.path("bits_per_byte").asDouble(Double.NaN),
                            run.path("checkpoint").asText()));
        }
        return run.path("status").asText().equals("succeeded");
    }

    private String corpus(String source) {
        if (source != null && !isUrl(source)) {
            return uploaded(Path.of(source));
        }
        String url = source == null ? TINYSHAKESPEARE : source;
        Optional<JsonNode> known = rememberedCorpus(url);
        if (known.isPresent()) {
            return shownCorpus(known.get());
        }
        JsonNode corpus = source == null ? defaultCorpus() : retrying(() -> fetched(name(url), url, null));
        remember(url, corpus.path("id").asText());
        return shownCorpus(corpus);
    }

    static boolean isUrl(String source) {
        return source.matches("(?i)[a-z][a-z0-9+.-]*://.*");
    }

    /** What keeps a file or an address from being a corpus, as far as it can be seen from here. */
    static Optional<String> problemOf(String source) {
        if (isUrl(source)) {
            return source.toLowerCase(Locale.ROOT).startsWith("https://")
                    ? Optional.empty()
                    : Optional.of("of addresses only https is taken");
        }
        return Files.isReadable(Path.of(source))
                ? Optional.empty()
                : Optional.of("there is no such file that can be read");
    }

    /** Only an address that cannot be reached leads to the bundled text; a wrong checksum is an error. */
    private JsonNode defaultCorpus() {
        console.line("corpus     fetching " + TINYSHAKESPEARE);
        try {
            return retrying(() -> fetched("tinyshakespeare", TINYSHAKESPEARE, TINYSHAKESPEARE_SHA256));
        } catch (Api.Refusal refusal) {
            if (!refusal.code().equals(UNREACHABLE)) {
                throw refusal;
            }
            console.line("corpus     not reachable (" + refusal.getMessage()
                    + ") Using the bundled Shakespeare instead: sonnets and well-known scenes.");
            return retrying(() -> tokenizerService.post(
                    "/v1/corpora", Api.object().put("name", "shakespeare").put("bundled", true)));
        }
    }

    private JsonNode fetched(String name, String url, String sha256) {
        ObjectNode request = Api.object().put("name", name).put("url", url);
        if (sha256 != null) {
            request.put("sha256", sha256);
        }
        return tokenizerService.post("/v1/corpora", request);
    }

    private String uploaded(Path file) {
        console.line("corpus     reading " + file);
        String name = URLEncoder.encode(name(file.getFileName().toString()), StandardCharsets.UTF_8);
        return shownCorpus(
                retrying(() -> tokenizerService.upload("/v1/corpora?name=" + name, file, "text/plain; charset=utf-8")));
    }

    /** A corpus' name from that of a file or an address: without folders and ending. */
    static String name(String source) {
        String last = source.replaceFirst("[?#].*$", "").replaceFirst("^.*[/\\\\]", "");
        String stem = last.replaceFirst("\\.[^.]*$", "")
                .replaceAll("[^A-Za-z0-9._-]+", "-")
                .replaceFirst("^[^A-Za-z0-9]+", "");
        return stem.isEmpty() ? "corpus" : stem;
    }

    private String instructions(Path file) {
        String kind = "?kind=" + INSTRUCT + "&name=";
        JsonNode corpus = retrying(() -> file == null
                ? tokenizerService.post(
                        "/v1/corpora",
                        Api.object()
                                .put("name", "instructions")
                                .put("kind", INSTRUCT)
                                .put("bundled", true))
                : tokenizerService.upload(
                        "/v1/corpora" + kind + name(file.getFileName().toString()), file, "application/octet-stream"));
        console.line(String.format(
                Locale.ROOT,
                "corpus     %s: %,d conversations, sha256 %s",
                corpus.path("name").asText(),
                corpus.path("entries").asLong(),
                corpus.path("sha256").asText()));
        return corpus.path("id").asText();
    }

    private String shownCorpus(JsonNode corpus) {
        console.line(String.format(
                Locale.ROOT,
                "corpus     %s: %,d bytes, sha256 %s",
                corpus.path("name").asText(),
                corpus.path("bytes").asLong(),
                corpus.path("sha256").asText()));
        return corpus.path("id").asText();
    }

    private String tokenizer(String corpus, Preset preset) {
        ObjectNode request = preset.gpt2Vocabulary()
                ? Api.object().put("name", "gpt2").put("kind", "gpt2")
                : Api.object()
                        .put("name", "bpe-" + preset.config().vocabularySize())
                        .put("kind", "bpe")
                        .put("corpus", corpus)
                        .put("vocab_size", preset.config().vocabularySize());
        JsonNode made = retrying(() -> tokenizerService.post("/v1/tokenizers", request));
        console.line(String.format(
                Locale.ROOT,
                "vocabulary %s: %,d ids, %,d merges, %.2f s",
                made.path("name").asText(),
                made.path("vocab_size").asLong(),
                made.path("merges").asLong(),
                made.path("seconds").asDouble()));
        return made.path("id").asText();
    }

    private String dataset(String corpus, String tokenizer, String kind) {
        ObjectNode request = Api.object()
                .put("corpus", corpus)
                .put("tokenizer", tokenizer)
                .put("kind", kind)
                .put("validation_fraction", VALIDATION_FRACTION);
        String id = retrying(() -> tokenizerService.post("/v1/datasets", request))
                .path("id")
                .asText();
        JsonNode done = finishedDataset(id);
        console.line(String.format(
                Locale.ROOT,
                "dataset    %s: %,d tokens to train on, %,d to validate on",
                id,
                done.path("splits").path("train").path("tokens").asLong(),
                done.path("splits").path("validation").path("tokens").asLong()));
        return id;
    }

    private JsonNode finishedDataset(String id) {
        while (true) {
            JsonNode dataset = retrying(() -> tokenizerService.get("/v1/datasets/" + id));
            switch (dataset.path("status").asText()) {
                case "done" -> {
                    console.bar("");
                    return dataset;
                }
                case "failed" ->
                    throw new CommandFailure("Dataset " + id + " failed: "
                            + dataset.path("error").asText());
                default -> {
                    console.bar(String.format(
                            Locale.ROOT,
                            "dataset    %3.0f %%",
                            100 * dataset.path("progress").asDouble()));
                    Patience.pause();
                }
            }
        }
    }

    /** The curriculum's own run of this dataset and preset, or, where there is none, the newest that somebody asked for. */
    private String startedRun(String stage, String dataset, Preset preset) {
        long deadline = System.nanoTime() + PATIENCE_WITH_THE_CURRICULUM.toNanos();
        while (System.nanoTime() < deadline) {
            Optional<String> run = Api.items(retrying(() -> trainer.get("/v1/runs"))).stream()
                    .filter(each -> each.path("dataset").asText().equals(dataset)
                            && each.path("stage").asText().equals(stage)
                            && each.path("preset").asText().equals(preset.name())
                            && each.path("requested_by").asText().equals("curriculum"))
                    .map(each -> each.path("id").asText())
                    .findFirst();
            if (run.isPresent()) {
                return run.get();
            }
            Patience.pause();
        }
        throw new CommandFailure("The trainer started no run of stage " + stage + " on " + dataset + " within "
                + PATIENCE_WITH_THE_CURRICULUM.toSeconds()
                + " s. See `bardstream logs trainer`, or start it by `bardstream train " + stage + " --dataset "
                + dataset + " --preset " + preset.name() + "`.");
    }

    private Optional<JsonNode> rememberedCorpus(String url) {
        try {
            String id = Files.exists(home.progressFile())
                    ? Api.JSON.readTree(home.progressFile().toFile()).path(url).asText()
                    : "";
            return id.isEmpty()
                    ? Optional.empty()
                    : Optional.of(retrying(() -> tokenizerService.get("/v1/corpora/" + id)));
        } catch (IOException | Api.Refusal fetchAgain) {
            return Optional.empty();
        }
    }

    private void remember(String url, String corpus) {
        try {
            ObjectNode all = Files.exists(home.progressFile())
                    ? (ObjectNode) Api.JSON.readTree(home.progressFile().toFile())
                    : Api.object();
            Api.JSON
                    .writerWithDefaultPrettyPrinter()
                    .writeValue(home.progressFile().toFile(), all.put(url, corpus));
        } catch (IOException e) {
            console.problem(
                    "bardstream",
                    home.progressFile() + " cannot be written (" + e + "); the next start fetches the corpus again");
        }
    }

    /** Everything asked here may be asked twice, so a service that restarts meanwhile is waited for. */
    private static <T> T retrying(Supplier<T> ask) {
        long deadline = System.nanoTime() + PATIENCE_WITH_A_RESTART.toNanos();
        while (true) {
            try {
                return ask.get();
            } catch (Api.Unreachable restarting) {
                if (System.nanoTime() > deadline) {
                    throw restarting;
                }
                Patience.pause();
            }
        }
    }
}
