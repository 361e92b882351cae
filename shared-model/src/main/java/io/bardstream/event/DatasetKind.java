package io.bardstream.event;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonValue;
import java.util.Arrays;
import java.util.Locale;

/** What the token blocks of a dataset hold. */
public enum DatasetKind {
    /** Running text. */
    PRETRAIN,
    /** Conversations, with a mask of the tokens that are trained. */
    INSTRUCT,
    /** Texts with labels: conversations of a text and its label, which is trained. */
    CLASSIFY,
    /** Prompts to be continued, for PPO. */
    PROMPT;

    @JsonValue
    public String label() {
        return name().toLowerCase(Locale.ROOT);
    }

    @JsonCreator
    public static DatasetKind of(String label) {
        return Arrays.stream(values())
                .filter(kind -> kind.label().equals(label))
                .findFirst()
                .orElseThrow(() -> new InvalidFieldException(
                        "kind",
                        "'" + label
                                + "' is not a kind of dataset; the kinds are pretrain, instruct, classify and prompt"));
    }
}
