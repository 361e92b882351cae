package io.bardstream.inference;

import io.bardstream.event.GenerationRequest.Format;
import io.bardstream.event.InvalidFieldException;
import io.bardstream.tokenizer.BpeTokenizer;

/** What a completion continues: a text, in which nothing is a special token, or token ids, in which anything may be. */
sealed interface Prompt {
    /** The prompt's ids. An empty text stands for the beginning of a document. */
    int[] encode(BpeTokenizer tokenizer);

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
}
