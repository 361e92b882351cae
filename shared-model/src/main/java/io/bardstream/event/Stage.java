package io.bardstream.event;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonValue;
import java.util.Arrays;
import java.util.Locale;

/** What a training run does to a model. */
public enum Stage {
    /** Next-token prediction on raw text. */
    PRETRAIN,
    /** Supervised fine-tuning on instructions. */
    SFT,
    /** A reward model from preferences. */
    REWARD,
    /** Direct preference optimization. */
    DPO,
    /** Proximal policy optimization against a reward model. */
    PPO,
    /** Labels for texts. */
    CLASSIFY;

    @JsonValue
    public String label() {
        return name().toLowerCase(Locale.ROOT);
    }

    @JsonCreator
    public static Stage of(String label) {
        return Arrays.stream(values())
                .filter(stage -> stage.label().equals(label))
                .findFirst()
                .orElseThrow(() -> new InvalidFieldException(
                        "stage",
                        "'" + label + "' is not a stage; the stages are pretrain, sft, reward, dpo, ppo and classify"));
    }
}
