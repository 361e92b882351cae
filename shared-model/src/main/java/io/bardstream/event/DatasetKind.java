package io.bardstream.event;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonValue;
import java.util.Arrays;
import java.util.Locale;

/** What the records of a dataset hold. */
public enum DatasetKind {
    /** Running text. */
    PRETRAIN,
    /** Conversations, with a mask of the tokens that are trained. */
    INSTRUCT,
    /** Texts with labels: conversations of a text and its label, which is trained. */
    CLASSIFY,
    /** Prompts to be continued, for PPO. */
    PROMPT,
    /** What people prefer, for reward models and DPO: records of {@code preferences}, and no token blocks. */
    PREFERENCE;

    @JsonValue
    public String label() {
        return name().toLowerCase(Locale.ROOT);
    }

    @JsonCreator
    public static DatasetKind of(String label) {
        return Arrays.stream(values())
                .filter(kind -> kind.label().equals(label))
                .findFirst()
                .orElseThrow(
                        () -> new InvalidFieldException(
                                "kind",
                                "'" + label
                                        + "' is not a kind of dataset; the kinds are pretrain, instruct, classify, prompt and preference"));
    }
}
