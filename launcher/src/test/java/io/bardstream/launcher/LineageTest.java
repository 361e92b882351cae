package io.bardstream.launcher;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.JsonProcessingException;
import org.junit.jupiter.api.Test;

class LineageTest {
    @Test
    void everyStepFromTheTextBackToTheCorpusIsALine() throws JsonProcessingException {
        String text = Lineage.text(Api.JSON.readTree("""
                {"generation":{"id":"cmpl-1","prompt":"ROMEO:\\n","text":"But soft","seed":7,"sampling":{"temperature":0.8},
                               "at":"2026-11-23T12:00:00Z","checkpoint":"sft-1"},
                 "checkpoint":{"relation":"self","id":"sft-1","on_disk":true,
                   "checkpoint":{"stage":"sft","step":5,"metrics":{"validation_loss":1.5},"sha256":"aa","path":"r/sft-1"},
                   "request":{"run_id":"r","requested_by":"curriculum","preset":"tiny","seed":1337,
                              "hyperparameters":{"steps":5}},
                   "from":[{"relation":"parent","id":"gpt2-1","on_disk":false,
                     "checkpoint":{"stage":"pretrain","step":0,"metrics":{},"sha256":"bb","path":"i/gpt2-1"},
                     "imported":{"name":"gpt2","files":{"config.json":"cc"}},
                     "tokenizer":{"id":"t","name":"bpe-1024","vocabulary_size":1024,"sha256":"dd"},
                     "dataset":{"id":"d","corpus_sha256":"ee","splits":[{"name":"train","tokens":1000,"sha256":"ff",
                       "ranges":[{"topic":"token-batches","partition":3,"start":4,"end":9}]}]},
                     "missing":["token-batches-3 [4, 9) of split train: the partition now begins at offset 6"],
                     "from":[{"relation":"parent","id":"lost","on_disk":false,"from":[]}]},
                   {"relation":"reward","id":"gpt2-1","on_disk":false,"from":[]}]},
                 "corpora":[{"id":"c","name":"tinyshakespeare","bytes":1115394,"sha256":"ee"}]}
                """));

        assertThat(text.lines().map(String::strip))
                .containsSubsequence(
                        "generation cmpl-1",
                        "sampling   {\"temperature\":0.8}, seed 7",
                        "checkpoint sft-1",
                        "folder     r/sft-1",
                        "run        r, asked for by curriculum, preset tiny, seed 1337",
                        "parent gpt2-1",
                        "folder     i/gpt2-1 (pruned)",
                        "imported   as gpt2",
                        "config.json, sha256 cc",
                        "tokenizer  bpe-1024 (t), 1,024 ids, sha256 dd",
                        "train: 1,000 tokens, sha256 ff",
                        "topic token-batches, partition 3, offsets 4 to 8",
                        "MISSING    token-batches-3 [4, 9) of split train: the partition now begins at offset 6",
                        "corpus     tinyshakespeare, 1,115,394 bytes, sha256 ee",
                        "parent lost",
                        "unknown    nothing is known of it here",
                        "reward gpt2-1",
                        "see        above");
    }
}
