package io.bardstream.launcher;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.LinkedHashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;

class EvaluateTest {
    @Test
    void checkpointsStandSideBySideAndOnlyWhatWasMeasured() throws Exception {
        Map<String, JsonNode> measured = new LinkedHashMap<>();
        measured.put("pretrain-1", Api.JSON.readTree("{\"dataset\":\"d1\",\"loss\":2.5,\"tokens\":47886}"));
        measured.put(
                "sft-1",
                Api.JSON.readTree("{\"dataset\":\"d2\",\"loss\":1.25,\"tokens\":500,\"answers\":{\"ended\":1}}"));

        assertThat(Evaluate.table(measured))
                .containsExactly(
                        "                     pretrain-1  sft-1",
                        "dataset              d1          d2",
                        "loss (nats a token)  2.5000      1.2500",
                        "tokens               47,886      500",
                        "ended                            1.0000");
    }
}
