package io.bardstream.train;

import io.bardstream.tokenizer.ChatFormat.Rendered;
import java.util.List;

/** The conversations of a split by number. Implementations may be read by several threads at once. */
public interface Conversations {
    int count();

    /** Tokens of one. */
    int length(int conversation);

    Rendered get(int conversation);

    /** Conversations held in a list. */
    static Conversations of(List<Rendered> all) {
        return new Conversations() {
            @Override
            public int count() {
                return all.size();
            }

            @Override
            public int length(int conversation) {
                return all.get(conversation).tokens().length;
            }

            @Override
            public Rendered get(int conversation) {
                return all.get(conversation);
            }
        };
    }
}
