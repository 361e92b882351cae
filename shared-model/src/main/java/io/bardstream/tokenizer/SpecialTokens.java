package io.bardstream.tokenizer;

import java.util.List;

/**
 * The tokens that no text can spell: they mark where a document ends and who speaks. A vocabulary of our own reserves
 * its last ids for {@link #ALL}, in that order; OpenAI's has {@link #END_OF_TEXT} alone.
 */
public final class SpecialTokens {

    /** Between two documents, and at the end of a generation. */
    public static final String END_OF_TEXT = "<|endoftext|>";

    /** Fills a batch of sequences up to equal length; never trained on. */
    public static final String PAD = "<|pad|>";

    /** Opens a conversation's instruction to the model. */
    public static final String SYSTEM = "<|system|>";

    /** Opens a turn of the person. */
    public static final String USER = "<|user|>";

    /** Opens a turn of the model. */
    public static final String ASSISTANT = "<|assistant|>";

    /** Closes a turn. */
    public static final String END_OF_TURN = "<|endofturn|>";

    /** Every special token in the order of its id. */
    public static final List<String> ALL = List.of(END_OF_TEXT, PAD, SYSTEM, USER, ASSISTANT, END_OF_TURN);

    private SpecialTokens() {}
}
