package io.bardstream.inference;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.bardstream.event.Checkpoint;
import io.bardstream.event.Generation;
import io.bardstream.event.GenerationRequest;
import io.bardstream.event.InvalidFieldException;
import io.bardstream.event.Stage;
import io.bardstream.sample.Sampler;
import io.bardstream.sample.TextStream;
import io.bardstream.sample.TokenLogprobs;
import io.bardstream.service.ApiError;
import io.bardstream.service.ApiException;
import io.vertx.core.Context;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpServerResponse;
import java.io.UncheckedIOException;
import java.security.SecureRandom;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.function.Consumer;

/**
 * One request for completions and its answer, whole or streamed. What the decode loop reports is passed to the connection's
 * event loop, which alone writes. When the client goes away, every sequence of the request is cancelled.
 */
final class Exchange {
    private static final SecureRandom SEEDS = new SecureRandom();
    private static final int CLIENT_GONE = 499;

    private final HttpServerResponse response;
    private final Context eventLoop;
    private final CompletionRequest request;
    private final LoadedModel model;
    private final Clock clock;
    private final ObjectMapper json;
    private final GenerationLog generations;
    private final InferenceMetrics metrics;
    private final String id;
    private final long created;
    private final long seed;
    private final int promptTokens;
    private final List<ChoiceBuilder> choices = new ArrayList<>();
    private final List<Sequence> sequences = new ArrayList<>();
    private Consumer<Throwable> refuse;
    private int running; // the event loop's alone, as is the next
    private boolean over;

    /** @throws InvalidFieldException where a prompt, a bias or a stop string does not fit this model */
    Exchange(
            HttpServerResponse response,
            Context eventLoop,
            CompletionRequest request,
            LoadedModel model,
            Clock clock,
            ObjectMapper json,
            GenerationLog generations,
            InferenceMetrics metrics) {
        this.response = response;
        this.eventLoop = eventLoop;
        this.request = request;
        this.id = request.form().idPrefix() + UUID.randomUUID();
        this.model = model;
        this.clock = clock;
        this.json = json;
        this.generations = generations;
        this.metrics = metrics;
        this.created = clock.instant().getEpochSecond();
        this.seed = request.seed().orElseGet(SEEDS::nextLong);
        checkTuned();
        int tokens = 0;
        for (Prompt prompt : request.prompts()) {
            int[] ids = prompt.encode(model.tokenizer());
            checkLength(prompt.field(), ids.length);
            tokens += ids.length;
            for (int i = 0; i < request.n(); i++) {
                add(prompt, ids, i);
            }
        }
        this.promptTokens = tokens;
        this.running = sequences.size();
    }

    /** A model that has only read running text knows no turns; one that was brought from elsewhere may. */
    private void checkTuned() {
        Checkpoint checkpoint = model.checkpoint();
        if (request.form() == CompletionRequest.CHAT
                && checkpoint.stage() == Stage.PRETRAIN
                && checkpoint.dataset() != null) {
            throw new ApiException(
                    400,
                    "model: " + checkpoint.id() + " has only been pretrained and has not learned to chat yet. Ask again"
                            + " when it has been tuned on instructions, or use /v1/completions.",
                    "model",
                    "not_tuned");
        }
    }

    private void checkLength(String field, int promptLength) {
        boolean generates = request.maxTokens() > 0;
        int room = model.contextLength() - (generates ? 1 : 0);
        if (promptLength > room) {
            throw new ApiException(
                    400,
                    "%s: has %d tokens; the model's context holds %d%s: %d too many"
                            .formatted(
                                    field,
                                    promptLength,
                                    model.contextLength(),
                                    generates ? ", one of them for the completion" : "",
                                    promptLength - room),
                    field,
                    "context_length_exceeded");
        }
    }

    /** The completion {@code i} of a prompt draws as the only completion of a request with a seed higher by {@code i}. */
    private void add(Prompt prompt, int[] ids, int i) {
        int index = choices.size();
        ChoiceBuilder choice = new ChoiceBuilder(index, prompt, seed + i);
        choices.add(choice);
        sequences.add(new Sequence(
                model,
                ids,
                Math.min(request.maxTokens(), model.contextLength() - ids.length),
                new Sampler(request.sampling(), model.tokenizer().vocabularySize(), seed + i, 0),
                new TextStream(request.stop()),
                request.logprobs(),
                request.echo(),
                choice));
        if (request.echo()) {
            choice.echo(ids);
        }
    }

    /**
     * Queues the sequences.
     *
     * @param refuse answers with an error, where one comes before anything was written
     */
    void start(DecodeLoop decodeLoop, Consumer<Throwable> refuse) {
        this.refuse = refuse;
        response.exceptionHandler(failure -> clientGone());
        response.closeHandler(closed -> clientGone());
        sequences.forEach(sequence -> sequence.model().lease());
        try {
            decodeLoop.submit(sequences);
        } catch (RuntimeException e) {
            over = true;
            sequences.forEach(sequence -> sequence.model().release());
            throw e;
        }
        if (response.closed()) {
            clientGone();
        }
    }

    private void clientGone() {
        sequences.forEach(Sequence::cancel);
        eventLoop.runOnContext(now -> {
            if (!over) {
                over = true;
                metrics.answered(CLIENT_GONE);
            }
        });
    }

    private void ended() {
        running--;
        if (running > 0 || over) {
            return;
        }
        over = true;
        metrics.answered(200);
        CompletionResponse.Usage usage = CompletionResponse.Usage.of(
                promptTokens, sequences.stream().mapToInt(Sequence::generated).sum());
        if (request.stream()) {
            if (request.includeUsage()) {
                write(request.form().chunk(head(), List.of(), usage));
            }
            response.end(Buffer.buffer(ServerSentEvents.data(ServerSentEvents.DONE)));
        } else {
            response.putHeader("Content-Type", "application/json")
                    .end(Buffer.buffer(bytes(request.form()
                            .whole(
                                    head(),
                                    choices.stream().map(ChoiceBuilder::whole).toList(),
                                    usage))));
        }
    }

    private void failed(Throwable reason) {
        if (over) {
            return;
        }
        over = true;
        sequences.forEach(Sequence::cancel);
        if (response.headWritten()) {
            metrics.answered(500);
            write(new ApiError(new ApiError.Detail(
                    "The completion was cut short; the service's log says why.", ApiError.SERVER, null, null)));
            response.end();
        } else {
            refuse.accept(reason);
        }
    }

    private AnswerForm.Head head() {
        return new AnswerForm.Head(
                id, created, request.model(), model.checkpoint().id());
    }

    /** Sends one frame of the stream. */
    private void write(Object frame) {
        if (!response.headWritten()) {
            response.setChunked(true)
                    .putHeader("Content-Type", ServerSentEvents.CONTENT_TYPE)
                    .putHeader("Cache-Control", "no-cache");
        }
        response.write(Buffer.buffer(ServerSentEvents.data(text(frame))));
    }

    private byte[] bytes(Object value) {
        try {
            return json.writeValueAsBytes(value);
        } catch (JsonProcessingException e) {
            throw new UncheckedIOException("an answer cannot be written", e);
        }
    }

    private String text(Object value) {
        try {
            return json.writeValueAsString(value);
        } catch (JsonProcessingException e) {
            throw new UncheckedIOException("an answer cannot be written", e);
        }
    }

    /** One choice of the answer as it grows. The decode loop reports; all state is the event loop's. */
    private final class ChoiceBuilder implements Sequence.Listener {
        private final int index;
        private final String prompt;
        private final GenerationRequest.Format format;
        private final long seed;
        private final StringBuilder completion = new StringBuilder();
        private final LogprobsBuilder logprobs = new LogprobsBuilder(model);
        private String pending = ""; // text not yet streamed: the echoed prompt before the first token
        private String finishReason;
        private boolean opened;

        ChoiceBuilder(int index, Prompt prompt, long seed) {
            this.index = index;
            this.prompt = prompt.text(model);
            this.format = prompt.format();
            this.seed = seed;
        }

        /** Begins the answer with the prompt. */
        void echo(int[] ids) {
            pending = prompt;
            if (request.logprobs().isPresent()) {
                logprobs.addUnscored(ids[0]);
            }
        }

        @Override
        public void prompt(List<TokenLogprobs> scores) {
            eventLoop.runOnContext(now -> scores.forEach(logprobs::add));
        }

        @Override
        public void token(int token, String text, TokenLogprobs score) {
            eventLoop.runOnContext(now -> {
                completion.append(text);
                pending += text;
                if (score != null) {
                    logprobs.add(score);
                }
                if (request.stream() && !over && (!pending.isEmpty() || score != null)) {
                    writeChunk(null);
                }
            });
        }

        @Override
        public void end(String text, Sequence.End end) {
            eventLoop.runOnContext(now -> {
                completion.append(text);
                pending += text;
                finishReason = end.reason();
                if (request.stream() && !over) {
                    writeChunk(finishReason);
                }
                if (request.maxTokens() > 0) {
                    publish();
                }
                ended();
            });
        }

        @Override
        public void failed(Throwable reason) {
            eventLoop.runOnContext(now -> Exchange.this.failed(reason));
        }

        /** Sends what has come since the last chunk; the first of all says whose text it is, where the form does. */
        private void writeChunk(String reason) {
            if (!opened) {
                opened = true;
                request.form()
                        .opening(index)
                        .ifPresent(first -> write(request.form().chunk(head(), List.of(first), null)));
            }
            Object delta = request.form().delta(index, pending, logprobs.take(), reason);
            pending = "";
            write(request.form().chunk(head(), List.of(delta), null));
        }

        Object whole() {
            String text = request.echo() ? prompt + completion : completion.toString();
            return request.form().choice(index, text, logprobs.take(), finishReason);
        }

        private void publish() {
            Map<String, Object> sampling = request.sampling().asMap();
            sampling.put("max_tokens", request.maxTokens());
            if (!request.stop().isEmpty()) {
                sampling.put("stop", request.stop());
            }
            generations.add(new Generation(
                    index == 0 ? id : id + "-" + index,
                    id,
                    prompt,
                    format,
                    completion.toString(),
                    model.checkpoint().id(),
                    model.checkpoint().sha256(),
                    model.checkpoint().tokenizerSha256(),
                    sampling,
                    seed,
                    finishReason,
                    clock.instant()));
        }
    }
}
