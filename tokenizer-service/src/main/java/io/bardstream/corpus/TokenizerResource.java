package io.bardstream.corpus;

import io.bardstream.event.InvalidFieldException;
import io.bardstream.service.ApiException;
import io.bardstream.service.Listing;
import io.bardstream.tokenizer.BpeTokenizer;
import io.smallrye.common.annotation.Blocking;
import jakarta.ws.rs.Consumes;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.POST;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.core.MediaType;
import jakarta.ws.rs.core.Response;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletionStage;

/** Vocabularies over HTTP, and what they make of a text. */
@Path("/v1")
@Produces(MediaType.APPLICATION_JSON)
@Consumes(MediaType.APPLICATION_JSON)
public class TokenizerResource {
    /**
     * Asks for a vocabulary.
     *
     * @param kind {@code bpe} where absent
     * @param corpus only for {@code bpe}
     * @param vocabSize number of ids; may be left out for {@code gpt2}
     */
    public record Request(String name, String kind, String corpus, Integer vocabSize) {}

    /**
     * A vocabulary.
     *
     * @param base sha256 of the tokenizer.json that it extends by tokens for turns; its own where it extends none
     * @param requestedVocabSize only where training stopped early, since no pair was left that occurs twice
     */
    public record Answer(
            String id,
            String name,
            String kind,
            String corpus,
            int vocabSize,
            Integer requestedVocabSize,
            int merges,
            String sha256,
            String base,
            double seconds,
            Instant createdAt) {
        static Answer of(Vocabulary vocabulary) {
            return new Answer(
                    vocabulary.id,
                    vocabulary.name,
                    vocabulary.kind,
                    vocabulary.corpus,
                    vocabulary.size,
                    vocabulary.size == vocabulary.requestedSize ? null : vocabulary.requestedSize,
                    vocabulary.merges,
                    vocabulary.sha256,
                    vocabulary.base,
                    vocabulary.seconds,
                    vocabulary.createdAt);
        }
    }

    /**
     * A text to be made into tokens.
     *
     * @param special {@code text}, the default: what looks like a special token stays text; {@code allow}: it becomes one
     */
    public record TokenizeRequest(String tokenizer, String text, String special) {}

    /**
     * Tokens of a text.
     *
     * @param pieces the text of each token; U+FFFD for bytes that are part of a character only
     */
    public record Tokens(int[] tokens, List<String> pieces) {}

    public record DetokenizeRequest(String tokenizer, List<Integer> tokens) {}

    public record Text(String text) {}

    private static final int MOST_CHARACTERS = 4_000_000;

    private final Vocabularies vocabularies;

    TokenizerResource(Vocabularies vocabularies) {
        this.vocabularies = vocabularies;
    }

    /** Answers when the vocabulary is trained; meanwhile no thread waits. */
    @POST
    @Path("tokenizers")
    @Blocking
    public CompletionStage<Response> create(Request request) {
        ApiException.required(request);
        String name = Require.name(request.name());
        Vocabularies.Kind kind = request.kind() == null ? Vocabularies.Kind.BPE : Vocabularies.Kind.of(request.kind());
        CompletionStage<Vocabularies.Made> made =
                switch (kind) {
                    case BPE ->
                        vocabularies.learn(
                                name,
                                Require.id(request.corpus(), "corpus"),
                                Require.present(request.vocabSize(), "vocab_size"));
                    case GPT2 -> vocabularies.gpt2(name, request.vocabSize());
                };
        return made.thenApply(done -> Response.status(done.isNew() ? Response.Status.CREATED : Response.Status.OK)
                .entity(Answer.of(done.vocabulary()))
                .build());
    }

    @GET
    @Path("tokenizers")
    public Listing<Answer> list() {
        return Listing.of(vocabularies.list().stream().map(Answer::of).toList());
    }

    @GET
    @Path("tokenizers/{id}")
    public Answer get(String id) {
        return Answer.of(named(id));
    }

    /** As Hugging Face tokenizers reads it. */
    @GET
    @Path("tokenizers/{id}/tokenizer.json")
    public String json(String id) {
        return named(id).json;
    }

    @POST
    @Path("tokenize")
    public Tokens tokenize(TokenizeRequest request) {
        ApiException.required(request);
        BpeTokenizer tokenizer = tokenizer(request.tokenizer());
        String text = Require.present(request.text(), "text");
        if (text.length() > MOST_CHARACTERS) {
            throw new InvalidFieldException(
                    "text",
                    "has " + text.length() + " characters; at most " + MOST_CHARACTERS
                            + ". Make a corpus and a dataset of longer texts");
        }
        int[] tokens = encode(tokenizer, text, request.special());
        return new Tokens(
                tokens, Arrays.stream(tokens).mapToObj(tokenizer::decode).toList());
    }

    @POST
    @Path("detokenize")
    public Text detokenize(DetokenizeRequest request) {
        ApiException.required(request);
        BpeTokenizer tokenizer = tokenizer(request.tokenizer());
        List<Integer> tokens = Require.present(request.tokens(), "tokens");
        for (int i = 0; i < tokens.size(); i++) {
            Integer token = tokens.get(i);
            if (token == null || token < 0 || token >= tokenizer.vocabularySize()) {
                throw new InvalidFieldException(
                        "tokens",
                        "number " + i + " is " + token + "; this tokenizer's ids are 0 to "
                                + (tokenizer.vocabularySize() - 1));
            }
        }
        return new Text(
                tokenizer.decode(tokens.stream().mapToInt(Integer::intValue).toArray()));
    }

    private static int[] encode(BpeTokenizer tokenizer, String text, String special) {
        try {
            return switch (special == null ? "text" : special) {
                case "text" -> tokenizer.encode(text);
                case "allow" -> tokenizer.encodeWithSpecials(text);
                default ->
                    throw new InvalidFieldException(
                            "special", "'" + Require.printable(special) + "' is neither text nor allow");
            };
        } catch (InvalidFieldException e) {
            throw e;
        } catch (IllegalArgumentException e) {
            throw new InvalidFieldException("text", e.getMessage());
        }
    }

    private Vocabulary named(String id) {
        return vocabularies
                .find(Require.pathId("tokenizer", id))
                .orElseThrow(() -> ApiException.notFound("tokenizer", id));
    }

    private BpeTokenizer tokenizer(String id) {
        return vocabularies
                .find(Require.id(id, "tokenizer"))
                .map(vocabularies::tokenizer)
                .orElseThrow(() -> Require.unknown("tokenizer", id, "tokenizer"));
    }
}
