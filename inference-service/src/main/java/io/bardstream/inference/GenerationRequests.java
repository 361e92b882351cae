package io.bardstream.inference;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.bardstream.event.Generation;
import io.bardstream.event.GenerationRequest;
import io.bardstream.event.InvalidFieldException;
import io.bardstream.sample.Sampler;
import io.bardstream.sample.TextStream;
import io.bardstream.sample.TokenLogprobs;
import io.bardstream.service.ApiException;
import io.bardstream.tokenizer.ChatFormat;
import io.smallrye.common.annotation.Blocking;
import jakarta.enterprise.context.ApplicationScoped;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.eclipse.microprofile.reactive.messaging.Incoming;
import org.jboss.logging.Logger;

/**
 * Answers {@code generation-requests}, one after the other and behind everybody who asks over HTTP. A request counts as read
 * when all its generations are published. One that comes again gives the same generations: their ids and seeds are the
 * request's. One that asks for what cannot be is a dead letter; one for a checkpoint that is not there is dropped, counted and
 * logged, and whoever asked asks anew.
 */
@ApplicationScoped
class GenerationRequests {
    private static final Logger LOG = Logger.getLogger(GenerationRequests.class);

    private static final Duration BETWEEN_TRIES = Duration.ofSeconds(1);

    private static final int UNAVAILABLE = 503;

    private final Models models;
    private final DecodeLoop decodeLoop;
    private final GenerationLog generations;
    private final InferenceMetrics metrics;
    private final ObjectMapper json;
    private final Duration patience;
    private final Clock clock = Clock.systemUTC();

    GenerationRequests(
            Models models,
            DecodeLoop decodeLoop,
            GenerationLog generations,
            InferenceMetrics metrics,
            ObjectMapper json,
            InferenceSettings settings) {
        this.models = models;
        this.decodeLoop = decodeLoop;
        this.generations = generations;
        this.metrics = metrics;
        this.json = json;
        this.patience = settings.checkpointPatience();
    }

    @Incoming("generation-requests-in")
    @Blocking
    void answer(ConsumerRecord<String, GenerationRequest> record) throws InterruptedException, ExecutionException {
        GenerationRequest request = record.value();
        if (request == null) {
            return;
        }
        while (!tryToAnswer(request)) {
            Thread.sleep(BETWEEN_TRIES.toMillis());
        }
    }

    /** False where it is to be tried again, above all because the service stops: then the request comes again at the start. */
    private boolean tryToAnswer(GenerationRequest request) throws InterruptedException, ExecutionException {
        try {
            List<CompletableFuture<Generation>> texts = new ArrayList<>();
            for (int i = 0; i < request.candidates().size(); i++) {
                GenerationRequest.Candidate candidate = request.candidates().get(i);
                CompletionRequest completion = completion(request, candidate);
                LoadedModel model = lease(candidate.checkpoint());
                if (model == null) {
                    metrics.requestDropped();
                    LOG.warnf(
                            "Request %s was dropped: checkpoint %s is not there or cannot be loaded",
                            request.id(), candidate.checkpoint());
                    return true;
                }
                texts.add(start(request, i, completion, model));
            }
            for (CompletableFuture<Generation> text : texts) {
                publish(text.get());
            }
            metrics.requestAnswered();
            return true;
        } catch (ExecutionException | ApiException e) {
            if (reason(e) instanceof ApiException api && api.status() == UNAVAILABLE) {
                return false;
            }
            throw e;
        }
    }

    /** What a candidate asks for in the words of the HTTP API, and under its checks. */
    private CompletionRequest completion(GenerationRequest request, GenerationRequest.Candidate candidate) {
        Map<String, Object> fields = new LinkedHashMap<>(candidate.sampling());
        fields.put("model", candidate.checkpoint());
        fields.put("prompt", request.prompt());
        fields.put("seed", candidate.seed());
        return CompletionRequest.parse(json.valueToTree(fields), 1);
    }

    /** The model, as soon as there is room for it; null where it does not come. */
    private LoadedModel lease(String checkpoint) throws InterruptedException {
        long giveUpAt = System.nanoTime() + patience.toNanos();
        while (true) {
            try {
                return models.lease(checkpoint).toCompletableFuture().get();
            } catch (ExecutionException | CompletionException | ApiException e) {
                boolean crowded = reason(e) instanceof ApiException api && Models.CROWDED.equals(api.code());
                if (!crowded && System.nanoTime() > giveUpAt) {
                    return null;
                }
            }
            Thread.sleep(BETWEEN_TRIES.toMillis());
        }
    }

    private static Throwable reason(Throwable failure) {
        Throwable cause = failure;
        while (cause.getCause() != null && !(cause instanceof ApiException)) {
            cause = cause.getCause();
        }
        return cause;
    }

    private CompletableFuture<Generation> start(
            GenerationRequest request, int candidate, CompletionRequest completion, LoadedModel model) {
        try {
            int[] prompt = ids(request, completion, model);
            int room = model.contextLength() - prompt.length;
            if (room < 1) {
                throw new InvalidFieldException(
                        "prompt",
                        "has %d tokens; the model's context holds %d, one of them for the completion"
                                .formatted(prompt.length, model.contextLength()));
            }
            Text text = new Text(request, candidate, completion, model);
            decodeLoop.submitInBackground(Sequence.inBackground(
                    model,
                    prompt,
                    Math.min(completion.maxTokens(), room),
                    new Sampler(
                            completion.sampling(),
                            model.tokenizer().vocabularySize(),
                            completion.seed().orElseThrow(),
                            0),
                    new TextStream(completion.stop()),
                    text));
            return text.done;
        } catch (RuntimeException e) {
            model.release();
            throw e;
        }
    }

    /** The prompt as it is, or as the user's turn of a conversation. */
    private static int[] ids(GenerationRequest request, CompletionRequest completion, LoadedModel model) {
        if (request.format() == GenerationRequest.Format.RAW) {
            return completion.prompts().get(0).encode(model.tokenizer());
        }
        return ChatFormat.of(model.tokenizer())
                .orElseThrow(() -> new InvalidFieldException(
                        "format", "is chat, which " + model.checkpoint().id() + " has no special tokens for"))
                .prompt(List.of(new ChatFormat.Message(ChatFormat.Role.USER, request.prompt())));
    }

    private void publish(Generation generation) throws InterruptedException {
        while (true) {
            try {
                generations.publish(generation).toCompletableFuture().get();
                return;
            } catch (ExecutionException e) {
                LOG.warnf("Generation %s is not published yet (%s)", generation.id(), e.getCause());
                Thread.sleep(BETWEEN_TRIES.toMillis());
            }
        }
    }

    /** One candidate's text as it grows. */
    private final class Text implements Sequence.Listener {
        private final CompletableFuture<Generation> done = new CompletableFuture<>();
        private final StringBuilder text = new StringBuilder();
        private final GenerationRequest request;
        private final int candidate;
        private final CompletionRequest completion;
        private final LoadedModel model;

        Text(GenerationRequest request, int candidate, CompletionRequest completion, LoadedModel model) {
            this.request = request;
            this.candidate = candidate;
            this.completion = completion;
            this.model = model;
        }

        @Override
        public void prompt(List<TokenLogprobs> logprobs) {}

        @Override
        public void token(int token, String more, TokenLogprobs logprobs) {
            text.append(more);
        }

        @Override
        public void end(String last, Sequence.End end) {
            text.append(last);
            Map<String, Object> sampling = completion.sampling().asMap();
            sampling.put("max_tokens", completion.maxTokens());
            done.complete(new Generation(
                    request.generationId(candidate),
                    request.id(),
                    request.prompt(),
                    request.format(),
                    text.toString(),
                    model.checkpoint().id(),
                    model.checkpoint().sha256(),
                    model.checkpoint().tokenizerSha256(),
                    sampling,
                    completion.seed().orElseThrow(),
                    end.reason(),
                    clock.instant()));
        }

        @Override
        public void failed(Throwable reason) {
            done.completeExceptionally(reason);
        }
    }
}
