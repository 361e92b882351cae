package io.bardstream.inference;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.bardstream.service.ApiError;
import io.bardstream.service.ApiException;
import io.bardstream.service.ErrorMappers;
import io.vertx.core.Context;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpServerResponse;
import io.vertx.ext.web.Router;
import io.vertx.ext.web.RoutingContext;
import io.vertx.ext.web.handler.BodyHandler;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import jakarta.ws.rs.core.Response;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Clock;
import java.util.Locale;
import java.util.concurrent.CompletionException;

/**
 * {@code POST /v1/completions} and {@code POST /v1/chat/completions}. A route of its own instead of a resource, because it has to see the connection: a client
 * that goes away frees its slot, and every token of a stream leaves as a frame of its own.
 */
@ApplicationScoped
public class CompletionsRoute {
    private static final String COMPLETIONS = "/v1/completions";
    private static final String CHAT = "/v1/chat/completions";
    private static final String JSON = "application/json";

    private final InferenceSettings settings;
    private final Models models;
    private final DecodeLoop decodeLoop;
    private final GenerationLog generations;
    private final InferenceMetrics metrics;
    private final ObjectMapper json;
    private final Clock clock = Clock.systemUTC();
    private final ErrorMappers errors = new ErrorMappers();

    CompletionsRoute(
            InferenceSettings settings,
            Models models,
            DecodeLoop decodeLoop,
            GenerationLog generations,
            InferenceMetrics metrics,
            ObjectMapper json) {
        this.settings = settings;
        this.models = models;
        this.decodeLoop = decodeLoop;
        this.generations = generations;
        this.metrics = metrics;
        this.json = json;
    }

    /** Reads a request's body. */
    @FunctionalInterface
    private interface Parser {
        CompletionRequest parse(JsonNode json, int mostSequences);
    }

    void register(@Observes Router router) {
        register(router, COMPLETIONS, CompletionRequest::parse);
        register(router, CHAT, ChatRequest::parse);
    }

    private void register(Router router, String path, Parser parser) {
        router.post(path)
                .handler(BodyHandler.create(false)
                        .setBodyLimit(settings.maxBody().asLongValue()))
                .handler(this::expectJson)
                .blockingHandler(context -> complete(context, parser), false)
                .failureHandler(this::failed);
        router.route(path).handler(context -> {
            context.response().putHeader("Allow", "POST");
            refuse(context, new ApiException(405, "This path takes POST.", null, null));
        });
    }

    private void expectJson(RoutingContext context) {
        String type = context.request().getHeader("Content-Type");
        if (type == null || !type.toLowerCase(Locale.ROOT).startsWith(JSON)) {
            refuse(context, new ApiException(415, "Send the request as Content-Type: " + JSON + ".", null, null));
        } else {
            context.next();
        }
    }

    private void complete(RoutingContext context, Parser parser) {
        try {
            Buffer body = context.body().buffer();
            JsonNode tree = json.readTree(body == null ? new byte[0] : body.getBytes());
            CompletionRequest request = parser.parse(tree, settings.queue());
            Context eventLoop = context.vertx().getOrCreateContext();
            models.lease(request.model()).whenComplete((model, failure) -> {
                if (failure != null) {
                    refuse(context, failure);
                } else {
                    start(context, eventLoop, request, model);
                }
            });
        } catch (IOException | RuntimeException e) {
            refuse(context, e);
        }
    }

    /** Gives every sequence a lease of its own, and gives back the one it was called with. */
    private void start(RoutingContext context, Context eventLoop, CompletionRequest request, LoadedModel model) {
        try {
            Exchange exchange =
                    new Exchange(context.response(), eventLoop, request, model, clock, json, generations, metrics);
            exchange.start(decodeLoop, failure -> refuse(context, failure));
        } catch (RuntimeException e) {
            refuse(context, e);
        } finally {
            model.release();
        }
    }

    private void failed(RoutingContext context) {
        if (context.statusCode() == 413) {
            refuse(
                    context,
                    new ApiException(
                            413,
                            "The request body is larger than the "
                                    + settings.maxBody().asLongValue() + " bytes this path takes.",
                            null,
                            null));
        } else {
            refuse(
                    context,
                    context.failure() == null ? new IllegalStateException("no reason given") : context.failure());
        }
    }

    /** Answers with the error that a failure stands for. */
    private void refuse(RoutingContext context, Throwable failure) {
        Throwable reason =
                failure instanceof CompletionException && failure.getCause() != null ? failure.getCause() : failure;
        Response answer =
                reason instanceof JsonProcessingException malformed ? errors.json(malformed) : errors.fault(reason);
        HttpServerResponse response = context.response();
        metrics.answered(answer.getStatus());
        if (response.ended() || response.closed()) {
            return;
        }
        switch (answer.getStatus()) {
            case 429 -> response.putHeader("Retry-After", "1");
            case 503 -> response.putHeader("Retry-After", "5");
            default -> {}
        }
        response.setStatusCode(answer.getStatus())
                .putHeader("Content-Type", JSON)
                .end(Buffer.buffer(write(answer.getEntity())));
    }

    private byte[] write(Object entity) {
        try {
            return json.writeValueAsBytes((ApiError) entity);
        } catch (JsonProcessingException e) {
            throw new UncheckedIOException("an error body cannot be written", e);
        }
    }
}
