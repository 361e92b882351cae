package io.bardstream.launcher;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class SseTest {
    @Test
    void anEmptyLineEndsAnEvent() {
        assertThat(read("data: one", "", "data: two", "")).containsExactly("one", "two");
    }

    @Test
    void linesOfDataAreJoinedAndOnlyOneSpaceIsTaken() {
        assertThat(read("data:one", "data:  two", "data", "")).containsExactly("one\n two\n");
    }

    @Test
    void namesIdsAndCommentsAreSkipped() {
        assertThat(read(": keep-alive", "", "event: token", "id: 7", "retry: 10", "data: {\"a\": 1}", ""))
                .containsExactly("{\"a\": 1}");
    }

    @Test
    void anEventThatWasNotEndedIsNone() {
        assertThat(read("data: half")).isEmpty();
    }

    private static List<String> read(String... lines) {
        Sse sse = new Sse();
        return List.of(lines).stream().map(sse::line).flatMap(Optional::stream).toList();
    }
}
