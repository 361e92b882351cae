package io.bardstream.inference;

import io.bardstream.event.GenerationRequest.Format;
import io.bardstream.event.InvalidFieldException;
import io.bardstream.tokenizer.BpeTokenizer;
import io.bardstream.tokenizer.ChatFormat;
import io.bardstream.tokenizer.ChatFormat.Message;
import io.bardstream.tokenizer.Conversation;
import java.util.List;
import java.util.stream.Collectors;

/**
 * What a completion continues: a text or a conversation, in which nothing that people wrote is a special token, or token ids,
 * in which anything may be.
 */
sealed interface Prompt {
    /** The prompt's ids. An empty text stands for the beginning of a document. */
    int[] encode(BpeTokenizer tokenizer);

    /** The field of the request that it came in. */
    default String field() {
        return "prompt";
    }

    /** The prompt as text, as it is echoed. */
    String text(LoadedModel model);

    /** How the model is given the prompt; null where that is neither way. */
    Format format();

    /** A prompt in words. */
    record Text(String text) implements Prompt {
        @Override
        public int[] encode(BpeTokenizer tokenizer) {
            if (text.isEmpty()) {
                return new int[] {tokenizer.endOfText()};
            }
            try {
                return tokenizer.encode(text);
            } catch (IllegalArgumentException e) {
                throw new InvalidFieldException("prompt", e.getMessage());
            }
        }

        @Override
        public String text(LoadedModel model) {
            return text;
        }

        @Override
        public Format format() {
            return Format.RAW;
        }
    }

    /** A prompt in ids of the model's own vocabulary; not empty. */
    record Tokens(int... ids) implements Prompt {
        @Override
        public int[] encode(BpeTokenizer tokenizer) {
            for (int id : ids) {
                if (id < 0 || id >= tokenizer.vocabularySize()) {
                    throw new InvalidFieldException(
                            "prompt",
                            "token " + id + " is not in the vocabulary, whose ids are 0 to "
                                    + (tokenizer.vocabularySize() - 1));
                }
            }
            return ids.clone();
        }

        @Override
        public String text(LoadedModel model) {
            return model.textOf(ids);
        }

        @Override
        public Format format() {
            return Format.RAW;
        }
    }

    /** A conversation, to be gone on with by the assistant. */
    record Chat(Conversation conversation) implements Prompt {
        @Override
        public int[] encode(BpeTokenizer tokenizer) {
            return ChatFormat.of(tokenizer)
                    .orElseThrow(() -> new InvalidFieldException(
                            "model", "has no tokens for turns, so it cannot chat; use /v1/completions"))
                    .prompt(conversation.messages());
        }

        @Override
        public String field() {
            return "messages";
        }

        /** What the person said, where that is all; else each turn under who speaks. */
        @Override
        public String text(LoadedModel model) {
            List<Message> messages = conversation.messages();
            return messages.size() == 1
                    ? messages.get(0).content()
                    : messages.stream()
                            .map(message -> message.role().label() + ": " + message.content())
                            .collect(Collectors.joining("\n"));
        }

        /** Only a person's first turn is a prompt that can be given again as one. */
        @Override
        public Format format() {
            return conversation.messages().size() == 1 ? Format.CHAT : null;
        }
    }
}
