package io.bardstream.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

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
}
