package io.bardstream.corpus;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.bardstream.event.EventJson;
import io.bardstream.event.InvalidFieldException;
import io.bardstream.service.ApiException;
import io.bardstream.service.JsonBodies;
import io.bardstream.service.Listing;
import jakarta.ws.rs.Consumes;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.HeaderParam;
import jakarta.ws.rs.POST;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.core.HttpHeaders;
import jakarta.ws.rs.core.MediaType;
import jakarta.ws.rs.core.Response;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jboss.resteasy.reactive.RestQuery;

/** Corpora over HTTP: as the body itself, inside JSON, from a URL, or the one that comes with Bardstream. */
@Path("/v1/corpora")
@Produces(MediaType.APPLICATION_JSON)
public class CorpusResource {
    /**
     * A corpus inside JSON: exactly one of {@code url}, {@code text} and {@code bundled}.
     *
     * @param kind {@code text} where absent, {@code instruct} or {@code classify}
     * @param onError of instructions and labelled texts, {@code refuse} where absent, or {@code skip}
     * @param sha256 what the content must have; null for any
     */
    public record Request(
            String name, String kind, String url, String text, Boolean bundled, String onError, String sha256) {}

    /**
     * A corpus.
     *
     * @param entries of instructions, how many were kept
     * @param skipped of instructions, how many were bad and left out
     * @param problems what was wrong with the first of those
     */
    public record Answer(
            String id,
            String name,
            String kind,
            long bytes,
            long characters,
            String sha256,
            String source,
            Long entries,
            Long skipped,
            JsonNode problems,
            Instant createdAt) {
        static Answer of(Corpus corpus) {
            return new Answer(
                    corpus.id,
                    corpus.name,
                    corpus.kind,
                    corpus.bytes,
                    corpus.characters,
                    corpus.sha256,
                    corpus.source,
                    corpus.entries,
                    corpus.skipped,
                    corpus.problems == null
                            ? null
                            : EventJson.read(corpus.problems.getBytes(StandardCharsets.UTF_8), JsonNode.class),
                    corpus.createdAt);
        }
    }

    private static final Set<String> KINDS = Set.of(Corpus.TEXT, Corpus.INSTRUCT, Corpus.CLASSIFY);
    private static final Map<String, String> BUNDLED =
            Map.of(Corpus.TEXT, "/corpus/shakespeare.txt", Corpus.INSTRUCT, "/corpus/instructions.jsonl");

    /** Some clients say ISO-8859-1 of every text; what the bytes are is checked as they come. */
    private static final Set<String> TAKEN_CHARSETS = Set.of("utf-8", "us-ascii", "iso-8859-1");

    private static final Pattern SHA256 = Pattern.compile("[0-9a-f]{64}");

    private final Corpora corpora;
    private final HttpsDownload download;
    private final CorpusSettings settings;
    private final JsonBodies bodies;
    private final ObjectMapper json;

    CorpusResource(
            Corpora corpora, HttpsDownload download, CorpusSettings settings, JsonBodies bodies, ObjectMapper json) {
        this.corpora = corpora;
        this.download = download;
        this.settings = settings;
        this.bodies = bodies;
        this.json = json;
    }

    /** The body is the corpus; it streams to disk. */
    @POST
    @Consumes({MediaType.TEXT_PLAIN, MediaType.APPLICATION_OCTET_STREAM, "application/jsonl", "application/x-ndjson"})
    public Response upload(
            @RestQuery String name,
            @RestQuery String kind,
            @RestQuery("on_error") String onError,
            @HeaderParam(HttpHeaders.CONTENT_TYPE) MediaType type,
            @HeaderParam(HttpHeaders.CONTENT_LENGTH) Long length,
            InputStream text) {
        boolean jsonLines = type != null && type.getSubtype().contains("json");
        CorpusFiles.Wanted wanted = wanted(kind == null && jsonLines ? Corpus.INSTRUCT : kind, onError, null);
        String charset = type == null ? null : type.getParameters().get(MediaType.CHARSET_PARAMETER);
        if (charset != null && !TAKEN_CHARSETS.contains(charset.toLowerCase(Locale.ROOT))) {
            throw new InvalidFieldException("charset", "is " + charset + "; send the text in UTF-8");
        }
        long maxBytes = settings.maxSize().asLongValue();
        if (length != null && length > maxBytes) {
            throw CorpusFiles.tooLarge("body", maxBytes);
        }
        try {
            return answer(corpora.take(Require.name(name), "upload", text, "body", wanted));
        } catch (IOException e) {
            throw new ApiException(400, "body: broke off (" + e.getMessage() + "); nothing was kept", "body", null);
        }
    }

    /** A {@link Request}; or, where {@code kind} stands in the query, a JSON array of instructions as the corpus itself. */
    @POST
    @Consumes(MediaType.APPLICATION_JSON)
    public Response create(
            @RestQuery String name,
            @RestQuery String kind,
            @RestQuery("on_error") String onError,
            @HeaderParam(HttpHeaders.CONTENT_TYPE) MediaType type,
            @HeaderParam(HttpHeaders.CONTENT_LENGTH) Long length,
            InputStream body)
            throws IOException {
        return kind == null
                ? create(json.readValue(bodies.bounded(body), Request.class))
                : upload(name, kind, onError, type, length, body);
    }

    private Response create(Request request) throws IOException {
        ApiException.required(request);
        String name = Require.name(request.name());
        if (request.sha256() != null && !SHA256.matcher(request.sha256()).matches()) {
            throw new InvalidFieldException("sha256", "is not 64 lower-case hexadecimal digits");
        }
        CorpusFiles.Wanted wanted = wanted(request.kind(), request.onError(), request.sha256());
        boolean bundled = Boolean.TRUE.equals(request.bundled());
        long given = Stream.of(request.url() != null, request.text() != null, bundled)
                .filter(present -> present)
                .count();
        if (given != 1) {
            throw new InvalidFieldException(
                    "text", "give exactly one of text, url and bundled; " + given + " were given");
        }
        if (bundled) {
            if (!BUNDLED.containsKey(wanted.kind())) {
                throw new InvalidFieldException("bundled", "there is no bundled corpus of kind " + wanted.kind());
            }
            try (InputStream text = CorpusResource.class.getResourceAsStream(BUNDLED.get(wanted.kind()))) {
                return answer(corpora.take(name, "bundled", text, "bundled", wanted));
            }
        }
        if (request.text() != null) {
            return answer(corpora.take(name, "upload", utf8(request.text()), "text", wanted));
        }
        try (InputStream text = download.open(request.url(), settings.maxSize().asLongValue())) {
            return answer(corpora.take(name, request.url(), text, "url", wanted));
        }
    }

    @GET
    public Listing<Answer> list() {
        return Listing.of(corpora.list().stream().map(Answer::of).toList());
    }

    @GET
    @Path("{id}")
    public Answer get(String id) {
        return corpora.find(Require.pathId("corpus", id))
                .map(Answer::of)
                .orElseThrow(() -> ApiException.notFound("corpus", id));
    }

    private static Response answer(Corpora.Taken taken) {
        return Response.status(taken.isNew() ? Response.Status.CREATED : Response.Status.OK)
                .entity(Answer.of(taken.corpus()))
                .build();
    }

    private static CorpusFiles.Wanted wanted(String kind, String onError, String sha256) {
        String known = kind == null ? Corpus.TEXT : kind;
        if (!KINDS.contains(known)) {
            throw new InvalidFieldException(
                    "kind",
                    "'" + Require.printable(known)
                            + "' is not a kind of corpus; the kinds are text, instruct and classify");
        }
        if (onError != null && known.equals(Corpus.TEXT)) {
            throw new InvalidFieldException(
                    "on_error", "is for instructions and labelled texts; a text has no entries");
        }
        return new CorpusFiles.Wanted(known, OnError.of(onError), sha256);
    }

    private static InputStream utf8(String text) {
        try {
            ByteBuffer bytes = StandardCharsets.UTF_8.newEncoder().encode(CharBuffer.wrap(text));
            return new ByteArrayInputStream(bytes.array(), bytes.position(), bytes.remaining());
        } catch (CharacterCodingException e) {
            throw new InvalidFieldException(
                    "text", "holds half a surrogate pair, which is no character; escape whole characters");
        }
    }
}
