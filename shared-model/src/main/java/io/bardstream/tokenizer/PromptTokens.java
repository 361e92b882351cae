package io.bardstream.tokenizer;

import io.bardstream.event.GenerationRequest.Format;
import io.bardstream.tokenizer.ChatFormat.Message;
import io.bardstream.tokenizer.ChatFormat.Role;
import java.util.List;

/** A prompt as a policy reads it: what it continues. A text never becomes a special token, whatever it spells. */
public final class PromptTokens {
    private PromptTokens() {}

    /**
     * The prompt's ids: raw as it is, of an empty text the end of the text before; chat as a user's turn with the opening of
     * the answer behind it.
     *
     * @throws IllegalArgumentException if the vocabulary has no words for a conversation, or the text a lone surrogate
     */
    public static int[] of(BpeTokenizer tokenizer, String prompt, Format format) {
        if (format == Format.CHAT) {
            ChatFormat chat = ChatFormat.of(tokenizer)
                    .orElseThrow(() -> new IllegalArgumentException("this vocabulary cannot express a conversation"));
            return chat.prompt(List.of(new Message(Role.USER, prompt)));
        }
        return prompt.isEmpty() ? new int[] {tokenizer.endOfText()} : tokenizer.encode(prompt);
    }
}
