package io.bardstream.sample;

import java.util.List;

/**
 * The text of one completion as its tokens arrive: whole characters only, and nothing that may turn out to belong to a
 * stop string. The pieces {@link #accept} and {@link #finish} return are, joined, the text before the first stop string.
 */
public final class TextStream {
    private final StopMatcher matcher;
    private final Utf8Decoder decoder = new Utf8Decoder();

    /** @param stops none of them empty; the text ends before whichever is completed first */
    public TextStream(List<String> stops) {
        this.matcher = new StopMatcher(stops);
    }

    /** Takes the bytes of the next token and returns the text that may be shown now, often empty. */
    public String accept(byte[] bytes) {
        return decoder.decode(matcher.accept(bytes));
    }

    /** A stop string has been completed: the text is over. */
    public boolean stopped() {
        return matcher.stopped();
    }

    /** The rest, when no further token comes; an unfinished character becomes U+FFFD. */
    public String finish() {
        return decoder.decode(matcher.finish()) + decoder.finish();
    }
}
