package io.bardstream.inference;

import java.nio.charset.StandardCharsets;

/** The frames of {@code text/event-stream} (HTML Living Standard, 9.2.5), as OpenAI uses them: data only. */
final class ServerSentEvents {
    static final String CONTENT_TYPE = "text/event-stream";

    /** What ends a stream of completions. */
    static final String DONE = "[DONE]";

    private ServerSentEvents() {}

    /** One event. A line break within the data begins another {@code data} line, which the reader joins again. */
    static byte[] data(String data) {
        String lines = data.replace("\r\n", "\n").replace('\r', '\n').replace("\n", "\ndata: ");
        return ("data: " + lines + "\n\n").getBytes(StandardCharsets.UTF_8);
    }
}
