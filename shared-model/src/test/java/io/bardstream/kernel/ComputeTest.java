package io.bardstream.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import java.util.concurrent.BrokenBarrierException;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ComputeTest {
    @ParameterizedTest
    @CsvSource({"auto,0,false", "auto,1,true", "'',1,true", "cpu,1,false", "cuda,2,true"})
    void theDeviceIsWhatIsThereUnlessOneIsAskedFor(String asked, int gpus, boolean gpu) {
        assertThat(Compute.useGpu(asked, gpus)).isEqualTo(gpu);
    }

    @Test
    void whatIsAskedForAndNotThereIsNotReplaced() {
        assertThatThrownBy(() -> Compute.useGpu("cuda", 0))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("libtorch sees no CUDA device");
        assertThatThrownBy(() -> Compute.useGpu("tpu", 1)).hasMessageContaining("'tpu'");
    }

    @Test
    void twoSmallThingsMeetAndNeitherIsLeftBehindByTheOthersFault() {
        assumeFalse(Compute.gpuPresent());
        try (Compute compute = Compute.openForSeveral(Precision.FLOAT32, 2, 1)) {
            CyclicBarrier both = new CyclicBarrier(2);
            compute.both(() -> meet(both), () -> meet(both));

            AtomicBoolean done = new AtomicBoolean();
            assertThatThrownBy(() -> compute.both(
                            () -> {
                                throw new IllegalStateException("one");
                            },
                            () -> done.set(true)))
                    .hasMessage("one");
            assertThat(done).isTrue();
            assertThatThrownBy(() -> compute.both(() -> {}, () -> {
                        throw new IllegalStateException("other");
                    }))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessage("other");
        }
    }

    private static void meet(CyclicBarrier both) {
        try {
            both.await(1, TimeUnit.MINUTES);
        } catch (InterruptedException | BrokenBarrierException | TimeoutException e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void largeModelsAndOneThreadAreNotSplit() {
        assertThat(Compute.doesTwoAtOnce(2, 124_000_000)).isFalse();
        assertThat(Compute.doesTwoAtOnce(1, 1)).isFalse();
        assertThat(Compute.doesTwoAtOnce(2, 900_000)).isTrue();
    }
}
