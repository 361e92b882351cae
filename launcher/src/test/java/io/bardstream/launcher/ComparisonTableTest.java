package io.bardstream.launcher;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.JsonProcessingException;
import org.junit.jupiter.api.Test;

class ComparisonTableTest {
    @Test
    void showsWhatDiffersAndWhatCameOut() throws JsonProcessingException {
        String comparison = """
                {'original': {'run': 'pretrain-1', 'status': 'succeeded', 'step': 1000, 'tokens': 2048000,
                              'best_validation_loss': 3.20314, 'bits_per_byte': 2.1934, 'seconds': 163.2},
                 'replay': {'run': 'r', 'status': 'failed', 'step': 20, 'tokens': 40960,
                            'best_validation_loss': null, 'bits_per_byte': null, 'seconds': 1.0},
                 'settings': [{'name': 'learning_rate', 'original': '0.01', 'replay': '0.02'}],
                 'computing': [{'name': 'instruction set', 'original': 'avx512f', 'replay': 'avx2'}],
                 'checkpoints': [
                   {'which': 'last', 'original': {'step': 1000, 'sha256': '0123456789abcdef0123'},
                    'replay': {'step': 1000, 'sha256': '0123456789abcdef0123'}, 'equal': true},
                   {'which': 'best', 'original': {'step': 750, 'sha256': '0123456789abcdef0123'},
                    'replay': null, 'equal': false}]}
                """;

        assertThat(String.join("\n", ComparisonTable.lines(Api.JSON.readTree(comparison.replace('\'', '"')))))
                .isEqualTo("""
                                              original                    replay
                        run                   pretrain-1                  r
                        status                succeeded                   failed
                        learning_rate         0.01                        0.02
                        instruction set       avx512f                     avx2
                        steps                 1,000                       20
                        tokens                2,048,000                   40,960
                        best validation loss  3.2031                      –
                        bits per byte         2.1934                      –
                        seconds               163.2                       1.0
                        last checkpoint       step 1000 0123456789abcdef  step 1000 0123456789abcdef  equal
                        best checkpoint       step 750 0123456789abcdef   –  differs""");
    }
}
