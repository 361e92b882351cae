package io.bardstream.launcher;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;

class ArgumentsTest {
    private final StringWriter errors = new StringWriter();

    @TempDir
    static Path checkout;

    @BeforeAll
    static void inACheckout() {
        System.setProperty(Installation.ROOT, checkout.toString());
    }

    @AfterAll
    static void outOfTheCheckout() {
        System.clearProperty(Installation.ROOT);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "frobnicate",
                "up --frobnicate",
                "up --preset huge",
                "up --port-base 80",
                "up --port-base many",
                "up --corpus no-such-file.txt",
                "up --corpus http://example.com/text.txt",
                "up --corpus file:///etc/passwd",
                "up --manual --corpus pom.xml",
                "demo --taste sour",
                "demo --noise 0.5",
                "demo --noise some",
                "demo --votes 3",
                "demo --corpus no-such-file.txt",
                "demo --html no-such-folder/demo.html",
                "demo --home /",
                "demo --frobnicate",
                "generate",
                "generate one two",
                "generate x --max-tokens few",
                "train",
                "train frobnicate",
                "train pretrain --set learning_rate",
                "replay",
                "replay some-run --set learning_rate",
                "replay one two",
                "export only-one",
                "export dataset folder --format parquet",
                "import",
                "import one two",
                "lineage",
                "lineage no/id",
                "logs frobnicate",
                "logs --lines -1"
            })
    void wrongUsageIsExitCode2AndSaysSo(String line) {
        assertThat(run(line)).isEqualTo(2);
        assertThat(errors.toString()).containsAnyOf("Usage: bardstream", "Did you mean");
    }

    @Test
    void helpIsExitCode0() {
        assertThat(run("--help")).isZero();
        assertThat(run("up --help")).isZero();
    }

    @Test
    void whatFailsIsExitCode1WithOneLine() {
        assertThat(run("lineage any --home " + checkout.resolve("home") + " --port-base 1024"))
                .isEqualTo(1);
        assertThat(errors.toString())
                .startsWith("bardstream: Nothing answers at http://127.0.0.1:1026")
                .hasLineCount(1);
    }

    @Test
    void learningTakesAPresetThatIs() {
        assertThat(run("learn --preset big --home " + checkout.resolve("home"))).isEqualTo(2);
        assertThat(errors.toString()).contains("'big'", "tiny");
        assertThat(run("learn --preset tiny")).isEqualTo(2); // without a home
    }

    @Test
    void whereNothingRunsThereIsNothingToStop() {
        assertThat(run("down --home " + checkout.resolve("home"))).isZero();
        assertThat(run("status --home " + checkout.resolve("home"))).isEqualTo(1);
    }

    private int run(String line) {
        CommandLine command = Bardstream.commandLine().setErr(new PrintWriter(errors, true));
        return command.execute(line.isEmpty() ? new String[0] : line.split(" "));
    }
}
