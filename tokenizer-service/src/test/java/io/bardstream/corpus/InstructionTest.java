package io.bardstream.corpus;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.bardstream.event.InvalidFieldException;
import io.bardstream.service.ApiException;
import io.bardstream.tokenizer.ChatFormat.Message;
import io.bardstream.tokenizer.ChatFormat.Role;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Entries of instructions: the forms that are known, what is wrong with others, and files of them. */
class InstructionTest {
    private static final String GOOD = "{\"prompt\":\"To be?\",\"completion\":\"Or not.\"}";

    @TempDir
    Path folder;

    private final ByteArrayOutputStream kept = new ByteArrayOutputStream();

    @Test
    void threeFormsBecomeConversations() {
        assertThat(parse("{\"instruction\":\"Say it.\",\"input\":\"\",\"output\":\"It.\",\"id\":7}"))
                .containsExactly(new Message(Role.USER, "Say it."), new Message(Role.ASSISTANT, "It."));
        assertThat(parse("{\"instruction\":\"Say it.\",\"input\":\"Loud\",\"output\":\"IT.\"}"))
                .containsExactly(new Message(Role.USER, "Say it.\n\nLoud"), new Message(Role.ASSISTANT, "IT."));
        assertThat(parse(GOOD))
                .containsExactly(new Message(Role.USER, "To be?"), new Message(Role.ASSISTANT, "Or not."));
        assertThat(parse("""
                        {"messages": [{"role": "system", "content": "Be brief."},
                                      {"role": "user", "content": "A"}, {"role": "assistant", "content": "B"},
                                      {"role": "user", "content": "C", "name": null},
                                      {"role": "assistant", "content": "D"}], "source": "me"}
                        """)).extracting(Message::content).containsExactly("Be brief.", "A", "B", "C", "D");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
                    {"instruction":"a"}                                                        | none of the forms
                    {"text":"a"}                                                               | none of the forms
                    {"instruction":"a","output":"b","prompt":"c","completion":"d"}             | several forms
                    {"instruction":"a","output":""}                                            | output: is empty
                    {"instruction":"a","output":" \\n"}                                        | output: is empty
                    {"instruction":"a","output":7}                                             | output: is not a text
                    {"instruction":"a","input":[],"output":"b"}                                | input: is not a text
                    {"instruction":"a\\ud83d","output":"b"}                                    | instruction: holds half
                    {"prompt":"a","completion":"\\ude00"}                                      | completion: holds half
                    {"messages":[]}                                                            | messages: is empty
                    {"messages":{}}                                                            | messages: is not a list
                    {"messages":["a"]}                                                         | messages[0]: is not an object
                    {"messages":[{"role":"bot","content":"a"}]}                                | messages[0].role: is 'bot'
                    {"messages":[{"content":"a"}]}                                             | messages[0].role: is missing
                    {"messages":[{"role":"user","content":null}]}                              | messages[0].content: is not a text
                    {"messages":[{"role":"user","content":"a","weight":0}]}                    | messages[0].weight
                    {"messages":[{"role":"user","content":"a"}]}                               | end with the user's turn
                    {"messages":[{"role":"assistant","content":"a"}]}                          | at the beginning
                    {"messages":[{"role":"system","content":"a"},{"role":"assistant","content":"a"}]} | after system
                    {"messages":[{"role":"user","content":"a"},{"role":"user","content":"b"}]} | user after user
                    {"messages":[{"role":"user","content":"a"},{"role":"system","content":"b"}]} | only be the first
                    {"prompt":"a","prompt":"b","completion":"c"}                               | Duplicate
                    {"prompt":"a"                                                              | is not JSON
                    {} {}                                                                      | is not JSON
                    7                                                                          | is not an object
                    """)
    void whatIsWrongIsSaid(String entry, String problem) {
        assertThatThrownBy(() -> parse(entry))
                .isInstanceOf(InvalidFieldException.class)
                .hasMessageContaining(problem);
    }

    @Test
    void whatFitsNoBlockIsRefused() {
        assertThatThrownBy(() -> parse("{\"prompt\":\"%s\",\"completion\":\"b\"}".formatted("é".repeat(31_000))))
                .hasMessageContaining("has texts of 62001 bytes; at most 61440");
    }

    @ParameterizedTest
    @ValueSource(strings = {"[%s, %s]", "%s\n%s", "\uFEFF[%s,%s] ", "\uFEFF%s\r\n\r\n%s\r\n", "  \n [\n%s\n,\n%s\n]\n"})
    void listsAndLinesAreTakenAlike(String form) throws IOException {
        InstructionFile.Result result = convert(form.formatted(GOOD, GOOD), OnError.REFUSE);

        assertThat(result).isEqualTo(new InstructionFile.Result(2, 0, List.of()));
        assertThat(kept.toString(StandardCharsets.UTF_8))
                .isEqualTo(
                        "{\"messages\":[{\"role\":\"user\",\"content\":\"To be?\"},{\"role\":\"assistant\",\"content\":\"Or not.\"}]}\n"
                                .repeat(2));
        assertThat(Instruction.parse(kept.toString(StandardCharsets.UTF_8)
                                .lines()
                                .findFirst()
                                .orElseThrow()
                                .getBytes(StandardCharsets.UTF_8))
                        .messages())
                .isEqualTo(parse(GOOD));
    }

    @ParameterizedTest
    @ValueSource(strings = {"%s\n{\"prompt\":\"a\"}\n%s\nnonsense\n", "[%s, {\"prompt\":\"a\"}, %s, 7]"})
    void badEntriesAreRefusedByNumberOrSkipped(String form) throws IOException {
        String file = form.formatted(GOOD, GOOD);
        assertThatThrownBy(() -> convert(file, OnError.REFUSE))
                .isInstanceOfSatisfying(
                        ApiException.class, e -> assertThat(e.code()).isEqualTo("bad_entries"))
                .hasMessageContaining("2 of 4 entries")
                .hasMessageContaining("entry 2: is in none of the forms known")
                .hasMessageContaining("entry 4: is not");

        InstructionFile.Result result = convert(file, OnError.SKIP);

        assertThat(result.entries()).isEqualTo(2);
        assertThat(result.skipped()).isEqualTo(2);
        assertThat(result.problems()).extracting(InstructionFile.Problem::entry).containsExactly(2L, 4L);
    }

    @Test
    void ofManyBadEntriesTheFirstAreNamed() {
        String file =
                GOOD + "\n" + IntStream.range(0, 500).mapToObj(i -> "{}\n").reduce("", String::concat);

        assertThatThrownBy(() -> convert(file, OnError.REFUSE))
                .hasMessageContaining("500 of 501 entries")
                .hasMessageContaining("entry 11: ")
                .hasMessageContaining("and 490 others");
    }

    @Test
    void aFileWithoutAGoodEntryIsRefusedInAnyCase() {
        assertThatThrownBy(() -> convert("{}\n", OnError.SKIP)).hasMessageContaining("1 of 1 entries");
        assertThatThrownBy(() -> convert("[]", OnError.SKIP)).hasMessageContaining("holds no entries");
        assertThatThrownBy(() -> convert(" \n ", OnError.SKIP)).hasMessageContaining("holds no entries");
        assertThatThrownBy(() -> convert("[" + GOOD, OnError.SKIP)).hasMessageContaining("is not JSON");
        assertThatThrownBy(() -> convert("[" + GOOD + "] {}", OnError.SKIP)).hasMessageContaining("goes on after");
    }

    @Test
    void anEntryTooLongToReadIsBadAndTheRestGoesOn() throws IOException {
        String huge = "{\"prompt\":\"" + "a".repeat(1 << 20) + "\",\"completion\":\"b\"}";

        assertThat(convert("[" + huge + "," + GOOD + "]", OnError.SKIP).entries())
                .isEqualTo(1);
        assertThat(convert(huge + "\n" + GOOD, OnError.SKIP).problems())
                .containsExactly(new InstructionFile.Problem(1, "has more than 1048576 bytes"));
    }

    @Test
    void aHeaderIsNoEntry() throws IOException {
        assertThat(convert("{\"about\":\"Who wrote this.\"}\n" + GOOD, OnError.REFUSE))
                .isEqualTo(new InstructionFile.Result(1, 0, List.of()));
    }

    private static List<Message> parse(String entry) {
        return Instruction.parse(entry.getBytes(StandardCharsets.UTF_8)).messages();
    }

    private InstructionFile.Result convert(String text, OnError onError) throws IOException {
        kept.reset();
        Path file = Files.writeString(folder.resolve("upload"), text);
        return InstructionFile.convert(file, Instruction::parse, kept::writeBytes, onError, "body");
    }
}
