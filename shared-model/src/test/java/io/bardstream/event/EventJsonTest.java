package io.bardstream.event;

import static java.util.Map.entry;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * What stands on the topics for ever: the JSON of each event as version 0.1.0 wrote it. These texts are never edited; a
 * change that breaks one of them needs a new topic.
 */
class EventJsonTest {
    private static final Instant AT = Instant.parse("2026-11-23T06:00:00Z");
    private static final String SHA = "86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed";

    record Written(Object event, String json) {}

    static Stream<Written> events() {
        return Stream.of(
                new Written(
                        new TokenizerPublished(
                                "bpe-1", "shakespeare", SHA, 1024, Map.of("<|endoftext|>", 1018), SHA, "{}", AT),
                        "{'id':'bpe-1','name':'shakespeare','base':'" + SHA
                                + "','vocabulary_size':1024,'special_tokens':{'<|endoftext|>':1018},'sha256':'" + SHA
                                + "','json':'{}','at':'2026-11-23T06:00:00Z'}"),
                new Written(
                        new Dataset(
                                "dataset-1",
                                DatasetKind.PRETRAIN,
                                SHA,
                                "bpe-1",
                                SHA,
                                1024,
                                List.of(new Dataset.Split(
                                        "train", 9, 20, 1, SHA, List.of(new Dataset.Range("token-batches", 3, 7, 8)))),
                                AT),
                        "{'id':'dataset-1','kind':'pretrain','corpus_sha256':'" + SHA
                                + "','tokenizer':'bpe-1','tokenizer_sha256':'" + SHA
                                + "','vocabulary_size':1024,'splits':[{'name':'train','tokens':9,'bytes':20,'blocks':1,'sha256':'"
                                + SHA + "','ranges':[{'topic':'token-batches','partition':3,'start':7,'end':8}]}],"
                                + "'at':'2026-11-23T06:00:00Z'}"),
                new Written(
                        new TrainingRequest(
                                "pretrain-1",
                                Stage.PRETRAIN,
                                "dataset-1",
                                "tiny",
                                null,
                                null,
                                hyperparameters(),
                                1337,
                                "pretrain-0",
                                9000L,
                                TrainingRequest.CURRICULUM,
                                AT,
                                List.of("To be"),
                                List.of("ann")),
                        "{'run_id':'pretrain-1','stage':'pretrain','dataset':'dataset-1','preset':'tiny','hyperparameters':"
                                + "{'optimizer':'muon','learning_rate':0.004,'muon_learning_rate':0.02,'min_learning_rate':0.1,"
                                + "'schedule':'cosine','warmup_steps':10,'steps':100,'batch_size':12,'gradient_accumulation':1,"
                                + "'context_length':128,'weight_decay':0.1,'beta1':0.9,'beta2':0.95,'epsilon':1.0E-8,"
                                + "'gradient_clip':1.0,'dropout':0.0,'evaluation_interval':50,'evaluation_batches':0,"
                                + "'checkpoint_interval':50,'sample_interval':50,'dtype':'bfloat16','threads':2,"
                                + "'activation_recomputation':false,'patience':0},"
                                + "'seed':1337,'replay_of':'pretrain-0','until':9000,'requested_by':'curriculum','at':'2026-11-23T06:00:00Z','prompts':['To be'],'excluded_annotators':['ann']}"),
                new Written(
                        new StepMetrics(
                                        "pretrain-1",
                                        5,
                                        100,
                                        7680,
                                        6.5,
                                        0.002,
                                        0.9,
                                        48000.0,
                                        3.5,
                                        null,
                                        null,
                                        null,
                                        null,
                                        "The loss stands still",
                                        AT)
                                .with(0.25, List.of(0.01, 0.02), List.of(0.5, 0.75)),
                        "{'run_id':'pretrain-1','step':5,'steps':100,'tokens':7680,'loss':6.5,'learning_rate':0.002,"
                                + "'gradient_norm':0.9,'tokens_per_second':48000.0,'seconds_left':3.5,'verdict':'The loss stands still',"
                                + "'at':'2026-11-23T06:00:00Z','utilisation':0.25,'update_ratios':[0.01,0.02],'activation_scales':[0.5,0.75]}"),
                new Written(
                        new Checkpoint(
                                "pretrain-1-000100",
                                "bardstream",
                                Stage.PRETRAIN,
                                null,
                                "pretrain-1",
                                "curriculum",
                                100,
                                "dataset-1",
                                SHA,
                                "pretrain-1/pretrain-1-000100",
                                SHA,
                                Map.of("bits_per_byte", 2.4),
                                AT),
                        "{'id':'pretrain-1-000100','model':'bardstream','stage':'pretrain','run_id':'pretrain-1',"
                                + "'requested_by':'curriculum','step':100,'dataset':'dataset-1','tokenizer_sha256':'"
                                + SHA
                                + "','path':'pretrain-1/pretrain-1-000100','sha256':'" + SHA
                                + "','metrics':{'bits_per_byte':2.4},'at':'2026-11-23T06:00:00Z'}"),
                new Written(
                        new Promotion(
                                "bardstream", "pretrain-1-000100", null, "first", Map.of("bits_per_byte", 2.4), AT),
                        "{'model':'bardstream','checkpoint':'pretrain-1-000100','reason':'first',"
                                + "'evidence':{'bits_per_byte':2.4},'at':'2026-11-23T06:00:00Z'}"),
                new Written(
                        new PromotionDecision(
                                "ppo-1-000040",
                                "sft-1-000100",
                                PromotionDecision.Outcome.WAIT,
                                "It waits",
                                Map.of("wins", 3.0),
                                AT),
                        "{'candidate':'ppo-1-000040','promoted':'sft-1-000100','outcome':'wait','reason':'It waits',"
                                + "'evidence':{'wins':3.0},'at':'2026-11-23T06:00:00Z'}"),
                new Written(
                        new GenerationRequest(
                                "request-1",
                                "ROMEO:",
                                GenerationRequest.Format.RAW,
                                List.of(new GenerationRequest.Candidate(
                                        "pretrain-1-000100", Map.of("temperature", 0.8), 7)),
                                AT),
                        "{'id':'request-1','prompt':'ROMEO:','format':'raw','candidates':[{'checkpoint':'pretrain-1-000100',"
                                + "'sampling':{'temperature':0.8},'seed':7}],'at':'2026-11-23T06:00:00Z'}"),
                new Written(
                        new Generation(
                                "cmpl-1-0",
                                "cmpl-1",
                                "ROMEO:",
                                GenerationRequest.Format.RAW,
                                "\nO",
                                "pretrain-1-000100",
                                SHA,
                                SHA,
                                Map.of("temperature", 0.8),
                                7,
                                "length",
                                AT),
                        "{'id':'cmpl-1-0','request_id':'cmpl-1','prompt':'ROMEO:','format':'raw','text':'\\nO',"
                                + "'checkpoint':'pretrain-1-000100','checkpoint_sha256':'" + SHA
                                + "','tokenizer_sha256':'"
                                + SHA + "','sampling':{'temperature':0.8},'seed':7,'finish_reason':'length',"
                                + "'at':'2026-11-23T06:00:00Z'}"),
                new Written(
                        new Score("cmpl-1-0", "reward-1", -0.5, AT),
                        "{'generation_id':'cmpl-1-0','reward_model':'reward-1','value':-0.5,'at':'2026-11-23T06:00:00Z'}"),
                new Written(
                        new Preference(
                                "vote-1",
                                "comparison-1",
                                "ann",
                                Preference.Choice.BOTH_BAD,
                                null,
                                "ROMEO:",
                                GenerationRequest.Format.CHAT,
                                "x",
                                "y",
                                "g-1",
                                "g-2",
                                "c-1",
                                "c-2",
                                null,
                                AT),
                        "{'id':'vote-1','comparison':'comparison-1','annotator':'ann','choice':'both_bad','prompt':'ROMEO:',"
                                + "'format':'chat','a':'x','b':'y','generation_a':'g-1','generation_b':'g-2','checkpoint_a':'c-1',"
                                + "'checkpoint_b':'c-2','at':'2026-11-23T06:00:00Z'}"));
    }

    @ParameterizedTest
    @MethodSource("events")
    void writesTheJsonThatStandsOnTheTopics(Written written) {
        assertThat(new String(EventJson.write(written.event()), StandardCharsets.UTF_8))
                .isEqualTo(json(written));
    }

    @ParameterizedTest
    @MethodSource("events")
    void readsWhatItWroteAndIgnoresFieldsOfALaterVersion(Written written) {
        byte[] later = json(written)
                .replaceFirst("\\{", "{\"added_later\":{\"a\":[1]},")
                .getBytes(StandardCharsets.UTF_8);

        assertThat(EventJson.read(later, written.event().getClass())).isEqualTo(written.event());
    }

    /** A field that was added later is absent in a record of before, and nothing is guessed in its place. */
    @ParameterizedTest
    @ValueSource(classes = {Generation.class, Preference.class})
    void readsARecordThatDoesNotSayHowItsPromptWasGiven(Class<?> type) {
        Written written = events().filter(one -> one.event().getClass() == type)
                .findFirst()
                .orElseThrow();
        String before = json(written).replaceFirst("\"format\":\"[a-z]+\",", "");

        Object event = EventJson.read(before.getBytes(StandardCharsets.UTF_8), type);

        assertThat(before).doesNotContain("format");
        assertThat(new String(EventJson.write(event), StandardCharsets.UTF_8)).isEqualTo(before);
    }

    @Test
    void namesTheFieldThatCannotHaveItsValue() {
        byte[] record =
                "{\"generation_id\":\"../x\",\"reward_model\":\"r\",\"value\":1,\"at\":\"2026-11-23T06:00:00Z\"}"
                        .getBytes(StandardCharsets.UTF_8);

        assertThatThrownBy(() -> EventJson.read(record, Score.class))
                .isInstanceOfSatisfying(
                        InvalidFieldException.class, e -> assertThat(e.field()).isEqualTo("generation_id"));
    }

    @Test
    void guessesNoNumber() {
        String score = "{'generation_id':'g','reward_model':'r','value':%s,'at':'2026-11-23T06:00:00Z'}";
        for (String value : List.of("'much'", "'1'", "null")) {
            byte[] record = score.formatted(value).replace('\'', '"').getBytes(StandardCharsets.UTF_8);

            assertThatThrownBy(() -> EventJson.read(record, Score.class))
                    .as(value)
                    .hasMessageContaining("value");
        }
    }

    @Test
    void saysWhatIsNotJson() {
        assertThatThrownBy(() -> EventJson.read(new byte[] {1, 2, 3}, Score.class))
                .isInstanceOf(UncheckedIOException.class)
                .hasMessageContaining("cannot read Score");
    }

    @Test
    void aCheckpointCannotLieOutsideTheStore() {
        assertThatThrownBy(() -> new Checkpoint(
                        "c",
                        "bardstream",
                        Stage.PRETRAIN,
                        null,
                        "r",
                        "curriculum",
                        1,
                        "d",
                        SHA,
                        "../etc",
                        SHA,
                        Map.of(),
                        AT))
                .hasMessageContaining("path: '../etc'");
    }

    @Test
    void aDatasetCannotHaveASplitTwice() {
        Dataset.Split train = new Dataset.Split("train", 1, 1, 1, SHA, List.of());

        assertThatThrownBy(() -> new Dataset("d", DatasetKind.PRETRAIN, SHA, "t", SHA, 10, List.of(train, train), AT))
                .hasMessageContaining("'train' is given twice");
    }

    static Hyperparameters hyperparameters() {
        return Hyperparameters.DEFAULTS.with(Map.ofEntries(
                entry("optimizer", "muon"),
                entry("learning_rate", 0.004),
                entry("warmup_steps", 10),
                entry("steps", 100),
                entry("batch_size", 12),
                entry("gradient_accumulation", 1),
                entry("context_length", 128),
                entry("evaluation_interval", 50),
                entry("evaluation_batches", 0),
                entry("checkpoint_interval", 50),
                entry("sample_interval", 50),
                entry("threads", 2)));
    }

    private static String json(Written written) {
        return written.json().replace('\'', '"');
    }
}
