package io.bardstream.e2e;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What the modules may know of each other, checked on the packaged services. */
class ModuleRulesTest {
    private static final Path ROOT = Path.of("..").toAbsolutePath().normalize();

    /** Each service's module and package. */
    private record Service(String module, String root) {}

    private static final List<Service> SERVICES = List.of(
            new Service("tokenizer-service", "io.bardstream.corpus"),
            new Service("trainer-service", "io.bardstream.trainer"),
            new Service("inference-service", "io.bardstream.inference"),
            new Service("feedback-service", "io.bardstream.feedback"),
            new Service("reward-service", "io.bardstream.reward"));

    @Test
    void noServiceKnowsAnother() {
        for (Service service : SERVICES) {
            JavaClasses classes = new ClassFileImporter()
                    .importPath(ROOT.resolve(service.module()).resolve("target/classes"));
            assertThat(classes).as(service.module()).isNotEmpty();
            String[] others = SERVICES.stream()
                    .filter(other -> other != service)
                    .map(other -> other.root() + "..")
                    .toArray(String[]::new);

            noClasses()
                    .should()
                    .dependOnClassesThat()
                    .resideInAnyPackage(others)
                    .check(classes);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"tokenizer-service", "feedback-service"})
    void lightServicesCarryNoTensorLibrary(String module) throws IOException {
        assertThat(libraries(module)).isNotEmpty().noneMatch(name -> name.contains("djl") || name.contains("pytorch"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"trainer-service", "inference-service", "reward-service"})
    void servicesThatComputeCarryIt(String module) throws IOException {
        assertThat(libraries(module)).anyMatch(name -> name.contains("pytorch-native"));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"tokenizer-service", "trainer-service", "inference-service", "feedback-service", "reward-service"
            })
    void noServiceCarriesTheBroker(String module) throws IOException {
        assertThat(libraries(module)).noneMatch(name -> name.contains("kafka_2") || name.contains("scala-library"));
    }

    private static List<String> libraries(String module) throws IOException {
        try (Stream<Path> files = Files.walk(ROOT.resolve(module).resolve("target/quarkus-app/lib"))) {
            return files.filter(Files::isRegularFile)
                    .map(file -> file.getFileName().toString())
                    .toList();
        }
    }
}
