package io.bardstream.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.bardstream.tokenizer.ChatFormat.Rendered;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

class ConversationSamplerTest {
    private static final Conversations TALKS = Conversations.of(IntStream.range(0, 20)
            .mapToObj(i -> new Rendered(IntStream.generate(() -> i).limit(i + 3).toArray(), new BitSet()))
            .toList());

    @Test
    void eachEpochHasEachConversationOnceInItsOwnOrder() {
        ConversationSampler sampler = new ConversationSampler(TALKS, 100, 4, 2, 49, 1);
        int[] first = drawn(sampler, 0, 20);
        int[] second = drawn(sampler, 20, 40);

        assertThat(first).containsExactlyInAnyOrder(IntStream.range(0, 20).toArray());
        assertThat(second).containsExactlyInAnyOrder(IntStream.range(0, 20).toArray());
        assertThat(second).isNotEqualTo(first);
        assertThat(first).isNotEqualTo(IntStream.range(0, 20).toArray());
        assertThat(drawn(new ConversationSampler(TALKS, 100, 4, 2, 49, 2), 0, 20))
                .isNotEqualTo(first);
    }

    @Test
    void aStepsBatchIsKnownWithoutThoseBefore() {
        ConversationSampler whole = new ConversationSampler(TALKS, 100, 3, 2, 49, 1);
        List<int[]> inOrder = IntStream.range(0, 12)
                .mapToObj(i -> whole.batch(i / 2, i % 2).inputs())
                .toList();

        for (int i = 11; i >= 0; i--) {
            Batch alone = new ConversationSampler(TALKS, 100, 3, 2, 49, 1).batch(i / 2, i % 2);
            assertThat(alone.inputs()).isEqualTo(inOrder.get(i));
        }
        int[] expected =
                IntStream.of(drawn(whole, 15, 18)).sorted().toArray(); // across the epochs' border at 20: step 2
        assertThat(Arrays.stream(whole.batch(2, 1).inputs())
                        .filter(id -> id != 49)
                        .distinct()
                        .sorted())
                .containsExactly(Arrays.stream(expected).boxed().toArray(Integer[]::new));
    }

    @Test
    void whatIsTooLongIsLeftOut() {
        ConversationSampler sampler = new ConversationSampler(TALKS, 12, 4, 1, 49, 1);

        assertThat(sampler.leftOut()).isEqualTo(9); // lengths 14 to 22
        assertThat(drawn(sampler, 0, 11))
                .containsExactlyInAnyOrder(IntStream.range(0, 11).toArray());
        assertThatThrownBy(() -> new ConversationSampler(TALKS, 1, 4, 1, 49, 1))
                .hasMessageContaining("none of the 20 conversations fits a context of 1 tokens");
    }

    private static int[] drawn(ConversationSampler sampler, long from, long to) {
        return LongStream.range(from, to).mapToInt(sampler::conversation).toArray();
    }
}
