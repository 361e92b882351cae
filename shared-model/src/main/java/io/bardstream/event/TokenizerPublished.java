package io.bardstream.event;

import java.time.Instant;
import java.util.Map;

/**
 * A vocabulary that can be used from now on. Carries the whole tokenizer, so that a reader needs no file and no service.
 *
 * @param id hash of what the vocabulary was made from
 * @param name what people call it
 * @param base sha256 of the tokenizer that this one extends by special tokens; its own sha256 where it extends none.
 *     Datasets and checkpoints match on it.
 * @param vocabularySize number of ids, special tokens included
 * @param specialTokens text to id, in the order of their ids
 * @param sha256 of {@code json} in UTF-8
 * @param json the complete tokenizer.json
 */
public record TokenizerPublished(
        String id,
        String name,
        String base,
        int vocabularySize,
        Map<String, Integer> specialTokens,
        String sha256,
        String json,
        Instant at) {

    public TokenizerPublished {
        Fields.id(id, "id");
        Fields.text(name, "name");
        Fields.sha256(base, "base");
        Fields.require(vocabularySize > 0, "vocabulary_size", vocabularySize + " is not positive");
        specialTokens = Fields.copy(specialTokens);
        for (Map.Entry<String, Integer> token : specialTokens.entrySet()) {
            Fields.require(
                    token.getValue() >= 0 && token.getValue() < vocabularySize,
                    "special_tokens",
                    token.getKey() + " has id " + token.getValue() + ", outside the vocabulary of " + vocabularySize);
        }
        Fields.sha256(sha256, "sha256");
        Fields.text(json, "json");
        Fields.required(at, "at");
    }
}
