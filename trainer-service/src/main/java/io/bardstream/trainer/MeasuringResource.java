package io.bardstream.trainer;

import ai.djl.ndarray.NDArray;
import com.fasterxml.jackson.annotation.JsonAnySetter;
import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import io.bardstream.checkpoint.HuggingFaceFormat;
import io.bardstream.event.Checkpoint;
import io.bardstream.event.Dataset;
import io.bardstream.event.Dataset.Split;
import io.bardstream.event.DatasetKind;
import io.bardstream.event.InvalidFieldException;
import io.bardstream.gpt.ForwardPass;
import io.bardstream.gpt.Gpt;
import io.bardstream.service.ApiException;
import io.bardstream.service.BardstreamHome;
import io.bardstream.tokenizer.BpeTokenizer;
import io.bardstream.tokenizer.SpecialTokens;
import io.bardstream.train.Confusion;
import io.bardstream.train.Evaluation;
import io.bardstream.train.LabelledTexts;
import io.bardstream.train.TokenSource;
import io.bardstream.training.ConversationFile;
import io.bardstream.training.DatasetException;
import io.bardstream.training.Facts;
import io.bardstream.training.ModelAtHand;
import io.bardstream.training.TokenFiles;
import io.smallrye.common.annotation.Blocking;
import jakarta.ws.rs.POST;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.PathParam;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.core.MediaType;
import jakarta.ws.rs.core.StreamingOutput;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;

/** What a checkpoint computes, in float32: its logits, and how well it predicts. */
@Path("/v1/checkpoints")
@Blocking
public class MeasuringResource {
    /** Characters; a longer text is a dataset. */
    private static final int LONGEST_TEXT = 1_000_000;

    private static final int ANSWERS = 100;
    private static final int MOST_ANSWERS = 1_000;

    /** Numbers of logits that exist at once. */
    private static final int LOGITS_AT_ONCE = 1 << 22;

    private static final JsonFactory JSON = new JsonFactory();

    private final Facts facts;
    private final BardstreamHome home;
    private final TokenFiles files;
    private final ModelAtHand models;

    MeasuringResource(Facts facts, BardstreamHome home, TokenFiles files, ModelAtHand models) {
        this.facts = facts;
        this.home = home;
        this.files = files;
        this.models = models;
    }

    /** @param tokens ids, at most as many as the model's context */
    public record LogitsRequest(
            List<Integer> tokens, @JsonAnySetter Map<String, Object> unknown) {}

    /**
     * The logits after each of the tokens, a row of the vocabulary's size for each, as {@code {"logits":[[…],…]}}. The
     * answer is written as it is computed, because a context of GPT-2 has fifty million of them.
     */
    @POST
    @Path("/{id}/logits")
    @Produces(MediaType.APPLICATION_JSON)
    public StreamingOutput logits(@PathParam("id") String id, LogitsRequest asked) throws IOException {
        Checkpoint checkpoint = checkpoint(id);
        refuseUnknown(ApiException.required(asked).unknown(), "tokens");
        int[] tokens = models.ask(checkpoint, (gpt, tokenizer) -> checked(asked.tokens(), gpt));
        return out -> models.ask(checkpoint, (gpt, tokenizer) -> write(gpt, tokens, out));
    }

    private static int[] checked(List<Integer> tokens, Gpt gpt) {
        if (tokens == null || tokens.isEmpty()) {
            throw new InvalidFieldException("tokens", "is missing or empty");
        }
        if (tokens.size() > gpt.config().contextLength()) {
            throw new InvalidFieldException(
                    "tokens",
                    "has %d ids, the model's context holds %d"
                            .formatted(tokens.size(), gpt.config().contextLength()));
        }
        for (Integer token : tokens) {
            if (token == null || token < 0 || token >= gpt.config().vocabularySize()) {
                throw new InvalidFieldException(
                        "tokens",
                        "id %s is not in the vocabulary, whose ids are 0 to %d"
                                .formatted(token, gpt.config().vocabularySize() - 1));
            }
        }
        return tokens.stream().mapToInt(Integer::intValue).toArray();
    }

    private static boolean write(Gpt gpt, int[] tokens, OutputStream out) throws IOException {
        int vocabulary = gpt.config().vocabularySize();
        int width = gpt.config().width();
        int rows = Math.max(1, LOGITS_AT_ONCE / vocabulary);
        try (ForwardPass pass = ForwardPass.inference(gpt.compute());
                JsonGenerator json = JSON.createGenerator(out)) {
            NDArray hidden = gpt.forward(Gpt.tokens(pass, 1, tokens.length, tokens), pass); // (T, C)
            json.writeStartObject();
            json.writeArrayFieldStart("logits");
            for (int first = 0; first < tokens.length; first += rows) {
                int count = Math.min(rows, tokens.length - first);
                try (NDArray flat = hidden.reshape(-1); // (T·C)
                        NDArray some = gpt.compute().kernels().slice(flat, (long) first * width, (long) count * width);
                        NDArray part = some.reshape(count, width); // (n, C)
                        NDArray logits = gpt.logits(part)) { // (n, V)
                    writeRows(logits.toFloatArray(), vocabulary, json);
                }
            }
            json.writeEndArray();
            json.writeEndObject();
        }
        return true;
    }

    private static void writeRows(float[] logits, int vocabulary, JsonGenerator json) throws IOException {
        for (int i = 0; i < logits.length; i++) {
            if (i % vocabulary == 0) {
                json.writeStartArray();
            }
            json.writeNumber(logits[i]);
            if (i % vocabulary == vocabulary - 1) {
                json.writeEndArray();
            }
        }
    }

    /**
     * Either a text of at most a million characters, or the id of a dataset.
     *
     * @param split of the dataset; validation where absent
     * @param answers of a dataset of instructions, how many are answered, to judge the answers; 100 where absent
     */
    public record EvaluationRequest(
            String text,
            String dataset,
            String split,
            Integer answers,
            @JsonAnySetter Map<String, Object> unknown) {}

    /**
     * @param loss nats a token
     * @param perplexity e to the loss
     * @param tokens that were predicted: of a text all but the first, of instructions the trained ones
     * @param answers of instructions, see {@link AnswerQuality}
     * @param labels of labelled texts, of which each label counts as a token, see {@link Confusion#metrics()}
     */
    public record Evaluated(
            double loss,
            double bitsPerByte,
            double perplexity,
            long tokens,
            Map<String, Double> answers,
            Map<String, Double> labels) {}

    /** The loss over windows of the model's context that cover the text once, as in training. */
    @POST
    @Path("/{id}/evaluate")
    public Evaluated evaluate(@PathParam("id") String id, EvaluationRequest asked)
            throws IOException, InterruptedException {
        Checkpoint checkpoint = checkpoint(id);
        refuseUnknown(ApiException.required(asked).unknown(), "text, dataset, split and answers");
        if ((asked.text() == null) == (asked.dataset() == null)) {
            throw new InvalidFieldException("text", "give either text or dataset");
        }
        return asked.text() == null ? ofDataset(checkpoint, asked) : ofText(checkpoint, asked.text());
    }

    private Evaluated ofText(Checkpoint checkpoint, String text) throws IOException {
        if (text.length() > LONGEST_TEXT) {
            throw new InvalidFieldException(
                    "text",
                    "has %,d characters, at most %,d are evaluated; make a dataset of it"
                            .formatted(text.length(), LONGEST_TEXT));
        }
        return models.ask(checkpoint, (gpt, tokenizer) -> {
            int[] tokens = encode(text, tokenizer);
            return evaluate(gpt, TokenSource.of(tokens), text.getBytes(StandardCharsets.UTF_8).length);
        });
    }

    private static int[] encode(String text, BpeTokenizer tokenizer) {
        int[] tokens;
        try {
            tokens = tokenizer.encode(text);
        } catch (IllegalArgumentException e) {
            throw new InvalidFieldException("text", e.getMessage());
        }
        if (tokens.length < 2) {
            throw new InvalidFieldException(
                    "text", "has %d tokens; predicting one takes at least two".formatted(tokens.length));
        }
        return tokens;
    }

    private Evaluated ofDataset(Checkpoint checkpoint, EvaluationRequest asked)
            throws IOException, InterruptedException {
        String id = asked.dataset();
        Dataset dataset = facts.dataset(id)
                .orElseThrow(() -> new InvalidFieldException("dataset", "'" + id + "' is not known here"));
        String name = asked.split() == null ? Split.VALIDATION : asked.split();
        Split split = dataset.split(name)
                .filter(held -> held.tokens() >= 2)
                .orElseThrow(() -> new InvalidFieldException(
                        asked.split() == null ? "dataset" : "split",
                        "'%s' has no split %s of two tokens or more".formatted(id, name)));
        if (!dataset.tokenizerSha256().equals(checkpoint.tokenizerSha256())) {
            throw new InvalidFieldException(
                    "dataset", "'%s' has another vocabulary than checkpoint '%s'".formatted(id, checkpoint.id()));
        }
        int answers = asked.answers() == null ? ANSWERS : asked.answers();
        if (answers < 0 || answers > MOST_ANSWERS) {
            throw new InvalidFieldException("answers", answers + " is not 0 to " + MOST_ANSWERS);
        }
        try {
            if (dataset.kind() == DatasetKind.CLASSIFY) {
                return ofLabels(checkpoint, dataset, split);
            }
            if (split.conversations() != null) {
                return ofInstructions(checkpoint, dataset, split, answers);
            }
            TokenSource tokens = files.open(dataset, name, Thread.currentThread()::isInterrupted);
            return models.ask(checkpoint, (gpt, tokenizer) -> evaluate(gpt, tokens, split.bytes()));
        } catch (DatasetException e) {
            throw ApiException.conflict(e.getMessage(), "dataset");
        }
    }

    private Evaluated ofLabels(Checkpoint checkpoint, Dataset dataset, Split split)
            throws IOException, InterruptedException {
        if (!checkpoint.model().equals(Checkpoint.CLASSIFIER)) {
            throw new InvalidFieldException("dataset", "has labels, which '%s' gives none".formatted(checkpoint.id()));
        }
        ConversationFile held = conversations(dataset, split);
        List<String> labels = HuggingFaceFormat.readConfig(home.checkpoints().resolve(checkpoint.path()))
                .labels();
        return models.ask(checkpoint, (gpt, tokenizer) -> {
            LabelledTexts texts;
            try {
                texts = new LabelledTexts(held, tokenizer, labels, gpt.config().contextLength());
            } catch (IllegalArgumentException e) {
                throw new InvalidFieldException("dataset", e.getMessage());
            }
            Confusion confusion = texts.judge(gpt, texts.count());
            double bitsPerByte = confusion.loss() * texts.count() / split.bytes() / Math.log(2);
            return new Evaluated(
                    confusion.loss(),
                    bitsPerByte,
                    Math.exp(confusion.loss()),
                    texts.count(),
                    null,
                    confusion.metrics());
        });
    }

    private ConversationFile conversations(Dataset dataset, Split split) throws IOException, InterruptedException {
        return ConversationFile.of(
                files.open(dataset, split.name(), Thread.currentThread()::isInterrupted), dataset, split.name());
    }

    private Evaluated ofInstructions(Checkpoint checkpoint, Dataset dataset, Split split, int answers)
            throws IOException, InterruptedException {
        ConversationFile held = conversations(dataset, split);
        TokenSource training = files.open(dataset, Split.TRAIN, Thread.currentThread()::isInterrupted);
        return models.ask(checkpoint, (gpt, tokenizer) -> {
            int pad = tokenizer.specialToken(SpecialTokens.PAD).orElseThrow();
            int context = gpt.config().contextLength();
            int rows = Math.max(1, ModelAtHand.TOKENS_AT_ONCE / context);
            Evaluation.Result result = Evaluation.evaluate(gpt, held, context, rows, 0, pad);
            return evaluated(
                    result,
                    result.bitsPerByte(split.conversations().trainedTokens(), split.bytes()),
                    AnswerQuality.of(gpt, tokenizer, held, training, answers));
        });
    }

    private static Evaluated evaluate(Gpt gpt, TokenSource tokens, long bytes) {
        int context = gpt.config().contextLength();
        int windows = Math.max(1, ModelAtHand.TOKENS_AT_ONCE / context);
        Evaluation.Result result = Evaluation.evaluate(gpt, tokens, context, windows, 0);
        return evaluated(result, result.bitsPerByte(tokens.size(), bytes), null);
    }

    private static Evaluated evaluated(Evaluation.Result result, double bitsPerByte, Map<String, Double> answers) {
        return new Evaluated(result.loss(), bitsPerByte, Math.exp(result.loss()), result.tokens(), answers, null);
    }

    private Checkpoint checkpoint(String id) {
        return facts.checkpoint(id).orElseThrow(() -> ApiException.notFound("checkpoint", id));
    }

    private static void refuseUnknown(Map<String, Object> unknown, String known) {
        if (unknown != null && !unknown.isEmpty()) {
            throw new InvalidFieldException(
                    unknown.keySet().iterator().next(), "is not a field; there are only " + known);
        }
    }
}
