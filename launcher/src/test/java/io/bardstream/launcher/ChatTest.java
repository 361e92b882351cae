package io.bardstream.launcher;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.ArrayNode;
import org.junit.jupiter.api.Test;

class ChatTest {
    @Test
    void theOldestQuestionGoesWithItsAnswerAndTheLastQuestionStays() {
        ArrayNode turns = Api.JSON.createArrayNode();
        for (String text : new String[] {"a?", "a.", "b?", "b.", "c?"}) {
            turns.add(text);
        }

        assertThat(Chat.forgetOldest(turns)).isTrue();
        assertThat(turns).extracting(turn -> turn.asText()).containsExactly("b?", "b.", "c?");
        assertThat(Chat.forgetOldest(turns)).isTrue();
        assertThat(Chat.forgetOldest(turns)).isFalse();
        assertThat(turns).extracting(turn -> turn.asText()).containsExactly("c?");
    }
}
