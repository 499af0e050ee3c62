package io.stillpoint.integration;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static com.tngtech.archunit.library.plantuml.rules.PlantUmlArchCondition.Configuration.consideringOnlyDependenciesInDiagram;
import static com.tngtech.archunit.library.plantuml.rules.PlantUmlArchCondition.adhereToPlantUmlDiagram;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;
import com.tngtech.archunit.lang.syntax.ArchRuleDefinition;
import java.nio.file.Path;

/// The modules and packages are as ARCHITECTURE.md says.
@AnalyzeClasses(packages = "io.stillpoint", importOptions = ImportOption.DoNotIncludeTests.class)
final class ArchitectureTest {
    @ArchTest
    void modulesDependAsTheDiagramSays(JavaClasses classes) {
        ArchRuleDefinition.classes()
                .that()
                .resideInAnyPackage(
                        "io.stillpoint.platform..",
                        "io.stillpoint.vault..",
                        "io.stillpoint.stores..",
                        "io.stillpoint.guest..",
                        "io.stillpoint.hypervisor..",
                        "io.stillpoint.engine..",
                        "io.stillpoint.demo..",
                        "io.stillpoint.cli..")
                .should(
                        adhereToPlantUmlDiagram(
                                Path.of("../docs/architecture.puml"),
                                consideringOnlyDependenciesInDiagram()))
                .check(classes);
    }

    @ArchTest
    static final ArchRule OTHERS_SEE_THE_VAULTS_FACE_ALONE =
            noClasses()
                    .that()
                    .resideOutsideOfPackage("io.stillpoint.vault..")
                    .should()
                    .dependOnClassesThat()
                    .resideInAnyPackage(
                            "io.stillpoint.vault.index..",
                            "io.stillpoint.vault.pack..",
                            "io.stillpoint.vault.read..",
                            "io.stillpoint.vault.tree..");

    @ArchTest
    static final ArchRule NO_PACKAGE_STANDS_IN_A_CYCLE =
            slices().matching("io.stillpoint.(**)").should().beFreeOfCycles();

    @ArchTest
    static final ArchRule NATIVE_CALLS_STAND_IN_ONE_PACKAGE =
            noClasses()
                    .that()
                    .resideOutsideOfPackage("io.stillpoint.platform.natives..")
                    .should()
                    .dependOnClassesThat()
                    .resideInAPackage("java.lang.foreign..");

    @ArchTest
    static final ArchRule LIBRARIES_DO_NOT_PRINT =
            noClasses()
                    .that()
                    .resideInAnyPackage(
                            "io.stillpoint.vault..",
                            "io.stillpoint.stores..",
                            "io.stillpoint.guest..",
                            "io.stillpoint.hypervisor..",
                            "io.stillpoint.engine..")
                    .should()
                    .accessField(System.class, "out")
                    .orShould()
                    .accessField(System.class, "err");
}
