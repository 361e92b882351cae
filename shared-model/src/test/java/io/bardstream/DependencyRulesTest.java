package io.bardstream;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;

/** What the packages of shared-model may know. Light services have no DJL on their classpath and rely on it. */
@AnalyzeClasses(packages = "io.bardstream", importOptions = ImportOption.DoNotIncludeTests.class)
class DependencyRulesTest {
    @ArchTest
    static final ArchRule WORDS_KNOW_NO_TENSORS = noClasses()
            .that()
            .resideInAnyPackage("io.bardstream.event..", "io.bardstream.tokenizer..", "io.bardstream.checkpoint..")
            .should()
            .dependOnClassesThat()
            .resideInAnyPackage("ai.djl..", "io.bardstream.kernel..", "io.bardstream.gpt..", "io.bardstream.train..");

    @ArchTest
    static final ArchRule NOTHING_KNOWS_KAFKA_OR_QUARKUS = noClasses()
            .should()
            .dependOnClassesThat()
            .resideInAnyPackage("org.apache.kafka..", "io.quarkus..", "io.smallrye..", "jakarta..");

    @ArchTest
    static final ArchRule ONLY_KERNEL_KNOWS_JNI = noClasses()
            .that()
            .resideOutsideOfPackage("io.bardstream.kernel..")
            .should()
            .dependOnClassesThat()
            .resideInAPackage("ai.djl.pytorch..");

    @ArchTest
    static final ArchRule NO_CYCLES =
            slices().matching("io.bardstream.(*)..").should().beFreeOfCycles();
}
