package io.bardstream.event;

import com.fasterxml.jackson.annotation.JsonIgnore;
import io.bardstream.event.GenerationRequest.Format;
import java.time.Instant;
import java.util.Map;

/**
 * A text that was served, and which weights wrote it.
 *
 * @param requestId the HTTP completion or the {@link GenerationRequest} it answers
 * @param format how the model was given the prompt; null where it was neither way, as in a longer conversation, or
 *     where that is not known
 * @param sampling OpenAI's parameter names to values, defaults resolved
 * @param finishReason {@code stop}, {@code length} or {@code cancelled}
 */
public record Generation(
        String id,
        String requestId,
        String prompt,
        Format format,
        String text,
        String checkpoint,
        String checkpointSha256,
        String tokenizerSha256,
        Map<String, Object> sampling,
        long seed,
        String finishReason,
        Instant at) {

    public Generation {
        Fields.id(id, "id");
        Fields.id(requestId, "request_id");
        Fields.required(prompt, "prompt");
        Fields.required(text, "text");
        Fields.id(checkpoint, "checkpoint");
        Fields.sha256(checkpointSha256, "checkpoint_sha256");
        Fields.sha256(tokenizerSha256, "tokenizer_sha256");
        sampling = Fields.copy(sampling);
        Fields.text(finishReason, "finish_reason");
        Fields.required(at, "at");
    }

    /** Whether it was asked for over HTTP: its id is the completion's, while the answer to a request has one of its own. */
    @JsonIgnore
    public boolean isOverHttp() {
        return id.startsWith(requestId);
    }
}
